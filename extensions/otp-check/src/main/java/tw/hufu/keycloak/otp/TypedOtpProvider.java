package tw.hufu.keycloak.otp;

import org.keycloak.credential.CredentialInput;
import org.keycloak.credential.OTPCredentialProvider;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserCredentialModel;
import org.keycloak.models.UserModel;
import tw.hufu.keycloak.common.Typed;

/** Keycloak's judge of one-time passwords; takes a code as the app shows it, "123 456". */
class TypedOtpProvider extends OTPCredentialProvider {

  TypedOtpProvider(KeycloakSession session) {
    super(session);
  }

  @Override
  public boolean isValid(RealmModel realm, UserModel user, CredentialInput input) {
    if (!(input instanceof UserCredentialModel)) {
      return super.isValid(realm, user, input);
    }
    // Before it is judged: a code counts as used under the digits that it is.
    String code = Typed.code(input.getChallengeResponse());
    return super.isValid(
        realm, user, new UserCredentialModel(input.getCredentialId(), input.getType(), code));
  }
}
