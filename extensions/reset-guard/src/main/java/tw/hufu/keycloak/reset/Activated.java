package tw.hufu.keycloak.reset;

import org.keycloak.models.UserModel;
import org.keycloak.models.credential.OTPCredentialModel;

/** Whether somebody has gone through the activation: he has an OTP. */
final class Activated {

  private Activated() {}

  static boolean is(UserModel user) {
    return user.credentialManager().isConfiguredFor(OTPCredentialModel.TYPE);
  }
}
