package tw.hufu.keycloak.common;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.keycloak.credential.CredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.sessions.AuthenticationSessionModel;

/** The one-time passwords of somebody, and those that a visit takes for the present ones. */
public final class OneTimePasswords {

  /** The required action of a link that replaces a lost one. */
  public static final String RESET_ACTION = "HUFU_RESET_OTP";

  private static final String NOTED = "hufu-otps";

  private OneTimePasswords() {}

  public static Stream<CredentialModel> of(UserModel user) {
    return user.credentialManager().getStoredCredentialsByTypeStream(OTPCredentialModel.TYPE);
  }

  public static void note(AuthenticationSessionModel visit, UserModel user) {
    visit.setAuthNote(NOTED, idsOf(user));
  }

  public static boolean areNoted(AuthenticationSessionModel visit) {
    return visit.getAuthNote(NOTED) != null;
  }

  /** Whether somebody changed them since this visit noted them, by another link or browser. */
  public static boolean haveChanged(AuthenticationSessionModel visit, UserModel user) {
    return areNoted(visit) && !visit.getAuthNote(NOTED).equals(idsOf(user));
  }

  private static String idsOf(UserModel user) {
    return of(user).map(CredentialModel::getId).sorted().collect(Collectors.joining(" "));
  }
}
