package tw.hufu.keycloak.common;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.keycloak.credential.CredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.sessions.AuthenticationSessionModel;

/** The one-time passwords that somebody has set up, and which of them a visit knows of. */
public final class Otps {

  /** The required action that sets up one in place of a lost one. */
  public static final String RESET = "HUFU_RESET_OTP";

  private static final String KNOWN = "hufu-otps";

  private Otps() {}

  public static Stream<CredentialModel> of(UserModel user) {
    return user.credentialManager().getStoredCredentialsByTypeStream(OTPCredentialModel.TYPE);
  }

  /** This visit goes on with what there is now. */
  public static void note(AuthenticationSessionModel visit, UserModel user) {
    visit.setAuthNote(KNOWN, ids(user));
  }

  public static boolean areNoted(AuthenticationSessionModel visit) {
    return visit.getAuthNote(KNOWN) != null;
  }

  /** Whether nobody has set up one since this visit noted them. */
  public static boolean areAsNoted(AuthenticationSessionModel visit, UserModel user) {
    return ids(user).equals(visit.getAuthNote(KNOWN));
  }

  private static String ids(UserModel user) {
    return of(user).map(CredentialModel::getId).sorted().collect(Collectors.joining(" "));
  }
}
