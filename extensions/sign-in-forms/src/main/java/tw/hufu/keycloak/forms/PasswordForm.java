package tw.hufu.keycloak.forms;

import jakarta.ws.rs.core.MultivaluedMap;
import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.authentication.authenticators.browser.UsernamePasswordForm;
import org.keycloak.models.KeycloakSession;

/** Keycloak's form; takes a name as it was typed, and refuses everybody on the same beat. */
class PasswordForm extends UsernamePasswordForm {

  PasswordForm(KeycloakSession session) {
    super(session);
  }

  @Override
  protected boolean validateForm(
      AuthenticationFlowContext context, MultivaluedMap<String, String> formData) {
    Beat.begin(context.getSession());
    ChooseUser.tidyName(formData);
    boolean valid = super.validateForm(context, formData);
    if (!valid) {
      Beat.await(context.getSession());
    }
    return valid;
  }
}
