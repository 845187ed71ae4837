package tw.hufu.keycloak.reset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.models.SingleUseObjectProvider;
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

  @Test
  void nobodyIsMailedTwiceAtOnce() {
    UserModel user = mock(UserModel.class);
    SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
    SingleUseObjectProvider mailed = mock(SingleUseObjectProvider.class);
    when(user.getId()).thenReturn("one");
    when(user.isEnabled()).thenReturn(true);
    when(user.credentialManager()).thenReturn(credentials);
    when(credentials.isConfiguredFor("otp")).thenReturn(true);
    when(mailed.putIfAbsent("hufu-reset-mailed:one", ResetGuard.SECONDS_BETWEEN_MAILS))
        .thenReturn(true, false);
    assertNull(ResetGuard.refusal(user, mailed));
    assertEquals(ResetGuard.TOO_SOON, ResetGuard.refusal(user, mailed));
  }
}
