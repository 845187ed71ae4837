package tw.hufu.keycloak.credentials;

import jakarta.ws.rs.core.Response;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.events.Errors;
import org.keycloak.events.EventType;
import org.keycloak.services.messages.Messages;
import tw.hufu.keycloak.common.Activation;

/** What was allowed when a visit began and is no more when its form is sent. */
final class Refusal {

  private Refusal() {}

  /** Whether the account was disabled meanwhile; the page says so then. */
  static boolean ofTheDisabled(RequiredActionContext context) {
    boolean disabled = !context.getUser().isEnabled();
    if (disabled) {
      show(context, Errors.USER_DISABLED, Messages.ACCOUNT_DISABLED);
    }
    return disabled;
  }

  /** Whether an activation is over: its link is refused at a click, and so is a page left open. */
  static boolean ofTheActivated(RequiredActionContext context) {
    boolean over =
        Activation.isUnderWay(context.getAuthenticationSession())
            && Activation.isDone(context.getUser());
    if (over) {
      ofTheUsed(context);
    }
    return over;
  }

  /** What its link was for has been done by another visit. */
  static void ofTheUsed(RequiredActionContext context) {
    show(context, Errors.EXPIRED_CODE, Messages.EXPIRED_ACTION);
  }

  private static void show(RequiredActionContext context, String error, String message) {
    context
        .getEvent()
        .clone()
        .event(EventType.UPDATE_CREDENTIAL_ERROR)
        .user(context.getUser())
        .error(error);
    context.challenge(
        context.form().setError(message).createErrorPage(Response.Status.BAD_REQUEST));
  }
}
