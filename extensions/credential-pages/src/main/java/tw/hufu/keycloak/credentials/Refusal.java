package tw.hufu.keycloak.credentials;

import jakarta.ws.rs.core.Response;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.events.Errors;
import org.keycloak.events.EventType;
import org.keycloak.services.messages.Messages;

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

  static void show(RequiredActionContext context, String error, String message) {
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
