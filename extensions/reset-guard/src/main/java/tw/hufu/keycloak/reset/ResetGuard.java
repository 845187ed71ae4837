package tw.hufu.keycloak.reset;

import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.models.UserModel;
import tw.hufu.keycloak.common.Activation;

/** Lets "forgot password" forget whom it was asked for, unless he is activated and enabled. */
class ResetGuard extends Step {

  @Override
  public void authenticate(AuthenticationFlowContext context) {
    UserModel user = context.getUser();
    if (user != null && !mayReset(user)) {
      // The next step shows the same page for nobody as for somebody, and mails nothing.
      context.getEvent().clone().user(user).detail("username", user.getUsername()).error(REFUSED);
      context.clearUser();
    }
    context.success();
  }

  static boolean mayReset(UserModel user) {
    return user.isEnabled() && Activation.hasOtp(user);
  }
}
