package tw.hufu.keycloak.reset;

import jakarta.ws.rs.core.Response;
import org.keycloak.authentication.AuthenticationFlowContext;
import tw.hufu.keycloak.common.Activation;

/**
 * Stops a sign-in by password alone: without an OTP Keycloak would offer to set one up, so whoever
 * learned a password first would own the account.
 */
class ActivationGuard extends Step {

  static final String NOT_ACTIVATED = "hufuNotActivated";

  @Override
  public void authenticate(AuthenticationFlowContext context) {
    if (Activation.hasOtp(context.getUser())) {
      context.success();
      return;
    }
    context.getEvent().user(context.getUser()).error(REFUSED);
    context.forceChallenge(
        context.form().setError(NOT_ACTIVATED).createErrorPage(Response.Status.FORBIDDEN));
  }

  @Override
  public boolean requiresUser() {
    return true;
  }
}
