package tw.hufu.keycloak.forms;

import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.authentication.Authenticator;
import org.keycloak.authentication.authenticators.browser.CookieAuthenticator;
import org.keycloak.authentication.authenticators.browser.CookieAuthenticatorFactory;
import org.keycloak.models.AuthenticationFlowModel;
import org.keycloak.models.KeycloakSession;
import tw.hufu.keycloak.common.DelegatingProxy;

/**
 * Stands in for Keycloak's auth-cookie: who is signed in already goes on while the flow changes. It
 * compares the levels of the version in which it stands, where Keycloak compares those of all.
 */
public class Cookie extends CookieAuthenticatorFactory {

  private static final Authenticator STEP =
      new CookieAuthenticator() {
        @Override
        public void authenticate(AuthenticationFlowContext context) {
          super.authenticate(
              DelegatingProxy.ofMethod(
                  AuthenticationFlowContext.class,
                  context,
                  "getTopLevelFlow",
                  () -> versionOf(context)));
        }
      };

  static AuthenticationFlowModel versionOf(AuthenticationFlowContext context) {
    return context.getRealm().getAuthenticationFlowById(context.getExecution().getParentFlow());
  }

  @Override
  public int order() {
    return 100;
  }

  @Override
  public Authenticator create(KeycloakSession session) {
    return STEP;
  }
}
