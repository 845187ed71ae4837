package tw.hufu.keycloak.reset;

import org.keycloak.authentication.AuthenticationFlowContext;
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
    String refusal = user == null ? null : refusal(user, context.getSession().singleUseObjects());
    if (refusal != null) {
      // The next step shows the same page for nobody as for somebody, and mails nothing.
      context.getEvent().clone().user(user).detail("username", user.getUsername()).error(refusal);
      context.clearUser();
    }
    context.success();
  }

  /** Why no mail goes out, or null. */
  static String refusal(UserModel user, SingleUseObjectProvider mailed) {
    if (!mayReset(user)) {
      return REFUSED;
    }
    String key = "hufu-reset-mailed:" + user.getId();
    return mailed.putIfAbsent(key, SECONDS_BETWEEN_MAILS) ? null : TOO_SOON;
  }

  static boolean mayReset(UserModel user) {
    return user.isEnabled() && Activation.hasOtp(user);
  }
}
