package tw.hufu.keycloak.claims;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.keycloak.models.GroupModel;

class AgencyTest {

  private static GroupModel group(GroupModel parent, Map<String, String> attributes) {
    GroupModel group = mock(GroupModel.class);
    when(group.getName()).thenReturn("2.16.886.101.1");
    when(group.getParent()).thenReturn(parent);
    when(group.getFirstAttribute(anyString()))
        .thenAnswer(call -> attributes.get(call.<String>getArgument(0)));
    return group;
  }

  @Test
  void allThreeClaimsWhereKnown() {
    var agency =
        Agency.of(
            Stream.of(
                group(
                    null,
                    Map.of(
                        "agency_oid",
                        "2.16.886.101.1",
                        "agency_name",
                        "𠮷林部",
                        "agency_code",
                        "A1"))));
    assertEquals(
        Map.of("agency_oid", "2.16.886.101.1", "agency_name", "𠮷林部", "agency_code", "A1"),
        agency.orElseThrow().claims());
  }

  @Test
  void anAgencyWithoutCodeNeverBorrowsItsParents() {
    var parent =
        group(null, Map.of("agency_oid", "1", "agency_name", "上級", "agency_code", "PARENT"));
    for (var own :
        List.of(
            Map.of("agency_oid", "1.1", "agency_name", "下級"),
            Map.of("agency_oid", "1.1", "agency_name", "下級", "agency_code", " "))) {
      var claims = Agency.of(Stream.of(group(parent, own))).orElseThrow().claims();
      assertEquals(Map.of("agency_oid", "1.1", "agency_name", "下級"), claims);
    }
  }

  @Test
  void otherGroupsDoNotCount() {
    var foreign = group(null, Map.of("agency_name", "社團"));
    var own = group(null, Map.of("agency_oid", "1.1", "agency_name", "下級"));
    assertEquals("1.1", Agency.of(Stream.of(foreign, own)).orElseThrow().oid());
    assertTrue(Agency.of(Stream.of(foreign)).isEmpty());
  }

  @Test
  void twoAgenciesAreNoAgency() {
    var one = group(null, Map.of("agency_oid", "1.1"));
    var two = group(null, Map.of("agency_oid", "1.2"));
    assertTrue(Agency.of(Stream.of(one, two)).isEmpty());
  }
}
