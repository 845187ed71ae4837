package tw.hufu.keycloak.claims;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.keycloak.models.GroupModel;

/** What the token says about a person's agency; the code is empty where nobody knows one. */
record Agency(String oid, String name, Optional<String> code) {

  static final String OID = "agency_oid";
  static final String NAME = "agency_name";
  static final String CODE = "agency_code";

  /**
   * The agency of the groups a person is directly in; empty unless exactly one of them is an agency
   * with OID and name. Parents are never asked: an agency without a code must not borrow its
   * parent's.
   */
  static Optional<Agency> of(Stream<GroupModel> directGroups) {
    List<Agency> agencies = directGroups.flatMap(group -> read(group).stream()).toList();
    return agencies.size() == 1 ? Optional.of(agencies.get(0)) : Optional.empty();
  }

  private static Optional<Agency> read(GroupModel group) {
    return attribute(group, OID)
        .map(
            oid ->
                new Agency(
                    oid, attribute(group, NAME).orElse(group.getName()), attribute(group, CODE)));
  }

  private static Optional<String> attribute(GroupModel group, String name) {
    return Optional.ofNullable(group.getFirstAttribute(name))
        .map(String::strip)
        .filter(value -> !value.isEmpty());
  }

  /** Claims by name, in a fixed order, without those that have no value. */
  Map<String, String> claims() {
    Map<String, String> claims = new LinkedHashMap<>();
    claims.put(OID, oid);
    claims.put(NAME, name);
    code.ifPresent(value -> claims.put(CODE, value));
    return claims;
  }
}
