package tw.hufu.keycloak.otp;

import org.keycloak.credential.OTPCredentialProvider;
import org.keycloak.credential.OTPCredentialProviderFactory;
import org.keycloak.models.KeycloakSession;

/** Stands in for Keycloak's own, whose name is asked for in many places. */
public class TypedOtpProviderFactory extends OTPCredentialProviderFactory {

  @Override
  public OTPCredentialProvider create(KeycloakSession session) {
    return new TypedOtpProvider(session);
  }

  @Override
  public int order() {
    return 100;
  }
}
