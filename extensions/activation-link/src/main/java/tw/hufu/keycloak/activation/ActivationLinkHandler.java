package tw.hufu.keycloak.activation;

import jakarta.ws.rs.core.Response;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.keycloak.TokenVerifier.Predicate;
import org.keycloak.authentication.actiontoken.ActionTokenContext;
import org.keycloak.authentication.actiontoken.TokenUtils;
import org.keycloak.authentication.actiontoken.execactions.ExecuteActionsActionToken;
import org.keycloak.authentication.actiontoken.execactions.ExecuteActionsActionTokenHandler;
import org.keycloak.credential.CredentialModel;
import org.keycloak.events.Errors;
import org.keycloak.models.UserModel;
import org.keycloak.models.UserModel.RequiredAction;
import org.keycloak.models.credential.PasswordCredentialModel;
import org.keycloak.sessions.AuthenticationSessionModel;
import tw.hufu.keycloak.common.Account;
import tw.hufu.keycloak.common.Activation;
import tw.hufu.keycloak.common.OneTimePasswords;

/**
 * Keycloak's handler of mailed links, which besides refuses an activation link at every click once
 * the account is disabled or activated, whichever mail it came with. What an activation that was
 * broken off had set up is gone when the next one begins. A link for a new one-time password is
 * good for one.
 */
public class ActivationLinkHandler extends ExecuteActionsActionTokenHandler {

  static final String DISABLED = "hufuActivationDisabled";
  private static final int BEFORE_THE_STOCK_HANDLER = 100;
  static final String OTP_SET_UP = "expiredActionMessage";
  private static final List<String> ACTIVATION =
      List.of(RequiredAction.UPDATE_PASSWORD.name(), RequiredAction.CONFIGURE_TOTP.name());

  @Override
  public int order() {
    return BEFORE_THE_STOCK_HANDLER;
  }

  @Override
  public Predicate<? super ExecuteActionsActionToken>[] getVerifiers(
      ActionTokenContext<ExecuteActionsActionToken> context) {
    Predicate<? super ExecuteActionsActionToken>[] stock = super.getVerifiers(context);
    Predicate<? super ExecuteActionsActionToken>[] all = Arrays.copyOf(stock, stock.length + 3);
    all[stock.length] =
        TokenUtils.checkThat(
            token -> !isActivation(token) || fresh(context, token).isEnabled(),
            Errors.USER_DISABLED,
            DISABLED);
    all[stock.length + 1] =
        TokenUtils.checkThat(
            token -> !isActivation(token) || !isOver(fresh(context, token), token.getIat()),
            Activation.DONE_ERROR,
            Activation.DONE_MESSAGE);
    all[stock.length + 2] =
        TokenUtils.checkThat(
            token -> !isOtpReset(token) || !hasOtpSince(fresh(context, token), token.getIat()),
            Errors.EXPIRED_CODE,
            OTP_SET_UP);
    return all;
  }

  @Override
  public Response handleToken(
      ExecuteActionsActionToken token, ActionTokenContext<ExecuteActionsActionToken> context) {
    // Not at the first click, which only says what comes: so do programs that look at mails.
    if (isActivation(token) && !context.isAuthenticationSessionFresh()) {
      AuthenticationSessionModel visit = context.getAuthenticationSession();
      forgetWhatWasBegun(visit.getAuthenticatedUser());
      Activation.begin(visit);
    }
    return super.handleToken(token, context);
  }

  /** Whoever scanned the picture of an activation that was broken off has nothing by it. */
  static void forgetWhatWasBegun(UserModel user) {
    OneTimePasswords.of(user)
        .map(CredentialModel::getId)
        .toList()
        .forEach(user.credentialManager()::removeStoredCredentialById);
  }

  /** Whether one was set up after the link was made: by it, or by a newer one. */
  static boolean hasOtpSince(UserModel user, Long second) {
    return second != null
        && OneTimePasswords.of(user).anyMatch(otp -> otp.getCreatedDate() >= (second + 1) * 1000);
  }

  /**
   * Activated; or by another link since this one was made, though a new password is asked for now:
   * an old mail must not be a way round the present one.
   */
  static boolean isOver(UserModel user, Long second) {
    return Activation.isDone(user) || hasPasswordSince(user, second);
  }

  private static boolean hasPasswordSince(UserModel user, Long second) {
    return second != null
        && Stream.of(PasswordCredentialModel.PASSWORD_HISTORY, PasswordCredentialModel.TYPE)
            .flatMap(user.credentialManager()::getStoredCredentialsByTypeStream)
            .anyMatch(password -> password.getCreatedDate() >= (second + 1) * 1000);
  }

  private static boolean isOtpReset(ExecuteActionsActionToken token) {
    return token.getRequiredActions() != null
        && token.getRequiredActions().contains(OneTimePasswords.RESET_ACTION);
  }

  private static boolean isActivation(ExecuteActionsActionToken token) {
    return asksForActivation(token.getRequiredActions());
  }

  /** An activation sets both; a link with one of them is a reset by an administrator. */
  static boolean asksForActivation(List<String> requiredActions) {
    return requiredActions != null && requiredActions.containsAll(ACTIVATION);
  }

  private static UserModel fresh(
      ActionTokenContext<ExecuteActionsActionToken> context, ExecuteActionsActionToken token) {
    return Account.fresh(context.getSession(), context.getRealm(), token.getUserId());
  }
}
