package tw.hufu.keycloak.reset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.models.DefaultActionTokenKey;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.SingleUseObjectProvider;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserModel;
import org.keycloak.sessions.AuthenticationSessionModel;

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

  private final UserModel user = mock(UserModel.class);
  private final AuthenticationFlowContext context = mock(AuthenticationFlowContext.class);
  private final AuthenticationSessionModel visit = mock(AuthenticationSessionModel.class);
  private final SingleUseObjectProvider mailed = mock(SingleUseObjectProvider.class);

  private void anActivatedPersonAsks() {
    SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
    KeycloakSession session = mock(KeycloakSession.class);
    when(user.getId()).thenReturn("one");
    when(user.isEnabled()).thenReturn(true);
    when(user.credentialManager()).thenReturn(credentials);
    when(credentials.isConfiguredFor("otp")).thenReturn(true);
    when(context.getSession()).thenReturn(session);
    when(context.getAuthenticationSession()).thenReturn(visit);
    when(session.singleUseObjects()).thenReturn(mailed);
  }

  @Test
  void nobodyIsMailedTwiceAtOnce() {
    anActivatedPersonAsks();
    when(mailed.putIfAbsent("hufu-reset-mailed:one", ResetGuard.SECONDS_BETWEEN_MAILS))
        .thenReturn(true, false);
    assertNull(ResetGuard.refusal(context, user));
    assertEquals(ResetGuard.TOO_SOON, ResetGuard.refusal(context, user));
  }

  @Test
  void whoComesByTheMailedLinkIsNotTooSoon() {
    anActivatedPersonAsks();
    when(visit.getAuthNote(DefaultActionTokenKey.ACTION_TOKEN_USER_ID)).thenReturn("one", "other");
    assertNull(ResetGuard.refusal(context, user));
    assertEquals(ResetGuard.TOO_SOON, ResetGuard.refusal(context, user));
  }
}
