package tw.hufu.keycloak.common;

import org.keycloak.models.UserModel;
import org.keycloak.models.UserModel.RequiredAction;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.models.credential.PasswordCredentialModel;
import org.keycloak.sessions.AuthenticationSessionModel;

/** How far somebody is with his activation, which sets an OTP and a password. */
public final class Activation {

  /** What events, and pages, say where an activation is asked for that is done. */
  public static final String DONE_ERROR = "already_activated";

  public static final String DONE_MESSAGE = "hufuAlreadyActivated";

  private static final String UNDER_WAY = "hufu-activation";

  private Activation() {}

  /** From now on this visit is an activation, to the pages it goes through. */
  public static void begin(AuthenticationSessionModel visit) {
    visit.setAuthNote(UNDER_WAY, "true");
    OneTimePasswords.note(visit, visit.getAuthenticatedUser());
  }

  public static boolean isUnderWay(AuthenticationSessionModel visit) {
    return visit.getAuthNote(UNDER_WAY) != null;
  }

  /** Has an OTP: only then a password, or the mailbox for a new one, lets him in. */
  public static boolean hasOtp(UserModel user) {
    return user.credentialManager().isConfiguredFor(OTPCredentialModel.TYPE);
  }

  /**
   * Both an OTP and a password of one's own. A directory answers "has a password" for everybody;
   * there pwdLastSet = 0 shows as the pending action UPDATE_PASSWORD.
   */
  public static boolean isDone(UserModel user) {
    return hasOtp(user)
        && user.credentialManager().isConfiguredFor(PasswordCredentialModel.TYPE)
        && user.getRequiredActionsStream()
            .noneMatch(action -> action.equals(RequiredAction.UPDATE_PASSWORD.name()));
  }
}
