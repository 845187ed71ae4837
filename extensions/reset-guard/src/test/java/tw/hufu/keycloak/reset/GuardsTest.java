package tw.hufu.keycloak.reset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserModel;

class GuardsTest {

  @ParameterizedTest
  @CsvSource({
    // enabled, OTP, may reset
    "true,  true,  true",
    "true,  false, false",
    "false, true,  false",
    "false, false, false",
  })
  void onlyTheActivatedAndEnabledMayReset(boolean enabled, boolean otp, boolean reset) {
    UserModel user = mock(UserModel.class);
    SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
    when(user.isEnabled()).thenReturn(enabled);
    when(user.credentialManager()).thenReturn(credentials);
    when(credentials.isConfiguredFor("otp")).thenReturn(otp);
    assertEquals(reset, ResetGuard.mayReset(user));
  }
}
