package tw.hufu.keycloak.forms;

import org.keycloak.authentication.Authenticator;
import org.keycloak.authentication.authenticators.browser.UsernamePasswordFormFactory;
import org.keycloak.models.KeycloakSession;

/** Offers the form to flows as hufu-password-form. */
public class PasswordFormFactory extends UsernamePasswordFormFactory {

  @Override
  public String getId() {
    return "hufu-password-form";
  }

  @Override
  public String getDisplayType() {
    return "Hufu user name and password";
  }

  @Override
  public String getHelpText() {
    return "Takes a name as it was typed, full width too; refuses everybody after the same time.";
  }

  @Override
  public Authenticator create(KeycloakSession session) {
    return new PasswordForm(session);
  }
}
