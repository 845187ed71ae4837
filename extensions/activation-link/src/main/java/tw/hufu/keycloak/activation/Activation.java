package tw.hufu.keycloak.activation;

import java.util.List;
import org.keycloak.models.UserModel;
import org.keycloak.models.UserModel.RequiredAction;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.models.credential.PasswordCredentialModel;

/** What an activation asks for, and whether somebody has it already. */
final class Activation {

  private static final List<String> ACTIONS =
      List.of(RequiredAction.UPDATE_PASSWORD.name(), RequiredAction.CONFIGURE_TOTP.name());

  private Activation() {}

  /** An activation sets both; a link with one of them is a reset by an administrator. */
  static boolean isAskedBy(List<String> requiredActions) {
    return requiredActions != null && requiredActions.containsAll(ACTIONS);
  }

  /**
   * Both an OTP and a password of one's own. A directory answers "has a password" for everybody;
   * there pwdLastSet = 0 shows as the pending action UPDATE_PASSWORD.
   */
  static boolean isDone(UserModel user) {
    return user.credentialManager().isConfiguredFor(OTPCredentialModel.TYPE)
        && user.credentialManager().isConfiguredFor(PasswordCredentialModel.TYPE)
        && user.getRequiredActionsStream()
            .noneMatch(action -> action.equals(RequiredAction.UPDATE_PASSWORD.name()));
  }
}
