package tw.hufu.keycloak.activation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.authentication.actiontoken.execactions.ExecuteActionsActionTokenHandler;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserModel;

class ActivationTest {

  @Test
  void onlyBothActionsMakeAnActivation() {
    assertTrue(Activation.isAskedBy(List.of("UPDATE_PASSWORD", "CONFIGURE_TOTP")));
    assertTrue(Activation.isAskedBy(List.of("CONFIGURE_TOTP", "UPDATE_PASSWORD", "VERIFY_EMAIL")));
    assertFalse(Activation.isAskedBy(List.of("UPDATE_PASSWORD")));
    assertFalse(Activation.isAskedBy(List.of("CONFIGURE_TOTP")));
    assertFalse(Activation.isAskedBy(List.of()));
    assertFalse(Activation.isAskedBy(null));
  }

  @ParameterizedTest
  @CsvSource({
    // OTP, password, pwdLastSet = 0 (shown as a pending UPDATE_PASSWORD), done
    "true,  true,  false, true",
    "true,  true,  true,  false",
    "false, true,  false, false",
    "true,  false, false, false",
    "false, false, true,  false",
  })
  void doneNeedsAnOtpAndAPasswordOfOnesOwn(
      boolean otp, boolean password, boolean pending, boolean done) {
    UserModel user = mock(UserModel.class);
    SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
    when(user.credentialManager()).thenReturn(credentials);
    when(credentials.isConfiguredFor("otp")).thenReturn(otp);
    when(credentials.isConfiguredFor("password")).thenReturn(password);
    when(user.getRequiredActionsStream())
        .thenAnswer(
            call -> pending ? List.of("UPDATE_PASSWORD").stream() : List.<String>of().stream());
    assertEquals(done, Activation.isDone(user));
  }

  @Test
  void takesThePlaceOfTheStockHandler() {
    assertEquals(
        new ExecuteActionsActionTokenHandler().getId(), new ActivationLinkHandler().getId());
    assertTrue(
        new ActivationLinkHandler().order() > new ExecuteActionsActionTokenHandler().order());
  }
}
