package tw.hufu.keycloak.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserModel;

class ActivationTest {

  @ParameterizedTest
  @CsvSource({
    // OTP, password, pwdLastSet = 0 (shown as a pending UPDATE_PASSWORD), has OTP, done
    "true,  true,  false, true,  true",
    "true,  true,  true,  true,  false",
    "false, true,  false, false, false",
    "true,  false, false, true,  false",
    "false, false, true,  false, false",
  })
  void doneNeedsAnOtpAndAPasswordOfOnesOwn(
      boolean otp, boolean password, boolean pending, boolean hasOtp, boolean done) {
    UserModel user = mock(UserModel.class);
    SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
    when(user.credentialManager()).thenReturn(credentials);
    when(credentials.isConfiguredFor("otp")).thenReturn(otp);
    when(credentials.isConfiguredFor("password")).thenReturn(password);
    when(user.getRequiredActionsStream())
        .thenAnswer(
            call -> pending ? List.of("UPDATE_PASSWORD").stream() : List.<String>of().stream());
    assertEquals(hasOtp, Activation.hasOtp(user));
    assertEquals(done, Activation.isDone(user));
  }
}
