package tw.hufu.keycloak.reset;

import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.models.DefaultActionTokenKey;
import org.keycloak.models.SingleUseObjectProvider;
import org.keycloak.models.UserModel;
import tw.hufu.keycloak.common.Activation;

/**
 * Lets "forgot password" forget whom it was asked for, unless he is activated and enabled, and was
 * not mailed a link just now: whoever asks does not fill somebody's mailbox.
 */
class ResetGuard extends Step {

  static final String TOO_SOON = "reset_mailed_just_now";
  static final long SECONDS_BETWEEN_MAILS = 300;

  @Override
  public void authenticate(AuthenticationFlowContext context) {
    UserModel user = context.getUser();
    String refusal = user == null ? null : refusal(context, user);
    if (refusal != null) {
      // The next step shows the same page for nobody as for somebody, and mails nothing.
      context.getEvent().clone().user(user).detail("username", user.getUsername()).error(refusal);
      context.clearUser();
    }
    context.success();
  }

  /** Why no mail goes out, or null. */
  static String refusal(AuthenticationFlowContext context, UserModel user) {
    if (!mayReset(user)) {
      return REFUSED;
    }
    if (cameByLink(context, user)) {
      return null;
    }
    String key = "hufu-reset-mailed:" + user.getId();
    SingleUseObjectProvider mailed = context.getSession().singleUseObjects();
    return mailed.putIfAbsent(key, SECONDS_BETWEEN_MAILS) ? null : TOO_SOON;
  }

  /** The mailed link goes through the whole flow again, where it is opened in another browser. */
  private static boolean cameByLink(AuthenticationFlowContext context, UserModel user) {
    return user.getId()
        .equals(
            context
                .getAuthenticationSession()
                .getAuthNote(DefaultActionTokenKey.ACTION_TOKEN_USER_ID));
  }

  static boolean mayReset(UserModel user) {
    return user.isEnabled() && Activation.hasOtp(user);
  }
}
