package tw.hufu.keycloak.activation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.keycloak.authentication.actiontoken.execactions.ExecuteActionsActionTokenHandler;

class ActivationLinkHandlerTest {

  @Test
  void onlyBothActionsMakeAnActivation() {
    assertTrue(
        ActivationLinkHandler.asksForActivation(List.of("UPDATE_PASSWORD", "CONFIGURE_TOTP")));
    assertTrue(
        ActivationLinkHandler.asksForActivation(
            List.of("CONFIGURE_TOTP", "UPDATE_PASSWORD", "VERIFY_EMAIL")));
    assertFalse(ActivationLinkHandler.asksForActivation(List.of("UPDATE_PASSWORD")));
    assertFalse(ActivationLinkHandler.asksForActivation(List.of("CONFIGURE_TOTP")));
    assertFalse(ActivationLinkHandler.asksForActivation(List.of()));
    assertFalse(ActivationLinkHandler.asksForActivation(null));
  }

  @Test
  void onlyAnActivationIsCalledOne() {
    String stock = "executeActionsSubject";
    assertEquals(stock, LinkMails.subject(stock, List.of("CONFIGURE_TOTP", "UPDATE_PASSWORD")));
    assertEquals("hufuSubject.HUFU_RESET_OTP", LinkMails.subject(stock, List.of("HUFU_RESET_OTP")));
    assertEquals("hufuSubject", LinkMails.subject(stock, List.of("HUFU_RESET_OTP", "OTHER")));
    assertEquals(
        "passwordResetSubject",
        LinkMails.subject("passwordResetSubject", List.of("HUFU_RESET_OTP")));
  }

  @Test
  void takesThePlaceOfTheStockHandler() {
    assertEquals(
        new ExecuteActionsActionTokenHandler().getId(), new ActivationLinkHandler().getId());
    assertTrue(
        new ActivationLinkHandler().order() > new ExecuteActionsActionTokenHandler().order());
  }
}
