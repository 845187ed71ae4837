package tw.hufu.keycloak.credentials;

import jakarta.ws.rs.core.Response;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.events.Errors;
import org.keycloak.events.EventType;
import org.keycloak.models.UserModel;
import org.keycloak.services.messages.Messages;
import org.keycloak.sessions.AuthenticationSessionModel;
import tw.hufu.keycloak.common.Account;
import tw.hufu.keycloak.common.Activation;
import tw.hufu.keycloak.common.OneTimePasswords;

/** What was allowed when a visit began and is no more when its form is sent. */
final class Refusal {

  private Refusal() {}

  /**
   * Whether the account was disabled meanwhile, or activated or given a one-time password in
   * another browser; the page says so then. Nobody else changes its credentials from here on.
   */
  static boolean ofTheOutdated(RequiredActionContext context) {
    Account.oneAtATime(context.getSession(), context.getUser());
    AuthenticationSessionModel visit = context.getAuthenticationSession();
    UserModel user =
        Account.fresh(context.getSession(), context.getRealm(), context.getUser().getId());
    if (!user.isEnabled()) {
      show(context, Errors.USER_DISABLED, Messages.ACCOUNT_DISABLED);
    } else if (Activation.isUnderWay(visit) && Activation.isDone(user)) {
      show(context, Activation.DONE_ERROR, Activation.DONE_MESSAGE);
    } else if (OneTimePasswords.haveChanged(visit, user)) {
      show(context, Errors.EXPIRED_CODE, Messages.EXPIRED_ACTION);
    } else {
      return false;
    }
    return true;
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
