package tw.hufu.keycloak.forms;

import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.authentication.authenticators.resetcred.ResetCredentialEmail;

/** "Forgot password": answers on the same beat whether a mail went out or none. */
public class ResetMail extends ResetCredentialEmail {

  @Override
  public String getId() {
    return "hufu-reset-mail";
  }

  @Override
  public String getDisplayType() {
    return "Hufu reset mail";
  }

  @Override
  public void authenticate(AuthenticationFlowContext context) {
    super.authenticate(context);
    Beat.await(context.getSession());
  }
}
