package tw.hufu.keycloak.signin;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.keycloak.OAuth2Constants;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.sessions.AuthenticationSessionModel;

/**
 * Forgets offline_access, which much software asks for by habit. Such a client gets what everybody
 * gets, tokens that end with the session; the answer's scope says so (RFC 6749, 3.3).
 */
public class OnlineOnly extends AtSignIn {

  public OnlineOnly() {
    super("hufu-online-only", "Hufu: no offline tokens");
  }

  @Override
  public void evaluateTriggers(RequiredActionContext context) {
    AuthenticationSessionModel signIn = context.getAuthenticationSession();
    String asked = signIn.getClientNote(OAuth2Constants.SCOPE);
    if (asked != null) {
      signIn.setClientNote(OAuth2Constants.SCOPE, online(asked));
    }
  }

  static String online(String scopes) {
    return Arrays.stream(scopes.split(" "))
        .filter(scope -> !scope.equals(OAuth2Constants.OFFLINE_ACCESS))
        .collect(Collectors.joining(" "));
  }
}
