package tw.hufu.keycloak.level;

import jakarta.ws.rs.core.Response;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.keycloak.authentication.authenticators.util.LoAUtil;
import org.keycloak.models.ClientModel;
import org.keycloak.models.RealmModel;
import org.keycloak.protocol.oidc.endpoints.AuthorizationEndpointCheckProvider;
import org.keycloak.protocol.oidc.endpoints.AuthorizationEndpointChecker;
import org.keycloak.protocol.oidc.endpoints.AuthorizationEndpointChecker.AuthorizationCheckException;
import org.keycloak.protocol.oidc.utils.AcrUtils;
import tw.hufu.keycloak.common.Version;

/**
 * A client that demands (an essential claim) a level nobody can reach here learns it at once, not
 * the person after password and code. As OpenID Connect Core Error Code
 * unmet_authentication_requirements 1.0 says.
 */
class UnmetLevel implements AuthorizationEndpointCheckProvider {

  static final String ERROR = "unmet_authentication_requirements";

  @Override
  public void check(AuthorizationEndpointChecker asked) throws AuthorizationCheckException {
    ClientModel client = asked.getClient();
    List<String> demanded =
        AcrUtils.getRequiredAcrValues(asked.getAuthorizationEndpointRequest().getClaims());
    if (demanded.isEmpty()) {
      return;
    }
    RealmModel realm = client.getRealm();
    String version = Version.of(realm.getBrowserFlow(), realm).getId();
    Set<Integer> reachable = LoAUtil.getLoaMaxAgesConfiguredInRealmFlow(realm, version).keySet();
    if (!isMet(demanded, AcrUtils.getAcrLoaMap(client)::get, reachable)) {
      throw new AuthorizationCheckException(
          Response.Status.BAD_REQUEST, ERROR, "No sign-in here reaches acr " + demanded);
    }
  }

  /** Whether one of the demanded values is a level that the flow has, or one below it. */
  static boolean isMet(
      Collection<String> demanded, Function<String, Integer> named, Collection<Integer> reachable) {
    return demanded.stream()
        .map(value -> level(value, named.apply(value)))
        .anyMatch(level -> reachable.stream().anyMatch(highest -> level <= highest));
  }

  private static int level(String value, Integer named) {
    if (named != null) {
      return named;
    }
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException unknown) {
      return Integer.MAX_VALUE;
    }
  }

  @Override
  public void close() {}
}
