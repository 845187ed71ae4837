package tw.hufu.keycloak.forms;

import jakarta.ws.rs.core.MultivaluedMap;
import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.authentication.authenticators.browser.UsernamePasswordForm;
import org.keycloak.authentication.authenticators.util.AuthenticatorUtils;
import org.keycloak.events.Errors;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.PasswordCredentialModel;

/**
 * Keycloak's form; takes a name as it was typed, and refuses everybody on the same beat and for a
 * hash.
 */
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

  /**
   * Whom Keycloak does not know it makes a hash for; on a busy machine that is longer than a beat.
   */
  @Override
  public boolean validatePassword(
      AuthenticationFlowContext context,
      UserModel user,
      MultivaluedMap<String, String> formData,
      boolean clearUser) {
    boolean valid = super.validatePassword(context, user, formData, clearUser);
    if (!valid && !wasHashed(context, user, formData)) {
      AuthenticatorUtils.dummyHash(context);
    }
    return valid;
  }

  /**
   * Neither for a password that the directory judges, nor for none at all, nor while one is locked.
   */
  private static boolean wasHashed(
      AuthenticationFlowContext context, UserModel user, MultivaluedMap<String, String> formData) {
    String typed = formData.getFirst(PasswordCredentialModel.TYPE);
    return typed != null
        && !typed.isEmpty()
        && user.credentialManager()
            .getStoredCredentialsByTypeStream(PasswordCredentialModel.TYPE)
            .findAny()
            .isPresent()
        && Errors.INVALID_USER_CREDENTIALS.equals(context.getEvent().getEvent().getError());
  }
}
