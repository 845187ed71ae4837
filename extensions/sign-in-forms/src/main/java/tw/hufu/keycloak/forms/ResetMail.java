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
    mail(context);
    Beat.await(context.getSession());
  }

  /** A link, or nothing where there is no such account, nor a mailbox. */
  void mail(AuthenticationFlowContext context) {
    super.authenticate(context);
  }
}
