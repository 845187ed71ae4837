package tw.hufu.keycloak.forms;

import jakarta.ws.rs.core.MultivaluedMap;
import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.authentication.authenticators.resetcred.ResetCredentialChooseUser;
import tw.hufu.keycloak.common.DelegatingProxy;
import tw.hufu.keycloak.common.Typed;

/**
 * "Forgot password": takes a name as it was typed; from here on {@link ResetMail} counts the time.
 */
public class ChooseUser extends ResetCredentialChooseUser {

  private static final String USERNAME = "username";

  @Override
  public String getId() {
    return "hufu-choose-user";
  }

  @Override
  public String getDisplayType() {
    return "Hufu choose user";
  }

  @Override
  public void action(AuthenticationFlowContext context) {
    Beat.begin(context.getSession());
    super.action(
        DelegatingProxy.ofForm(
            AuthenticationFlowContext.class,
            context,
            context.getHttpRequest(),
            ChooseUser::tidyName));
  }

  static void tidyName(MultivaluedMap<String, String> form) {
    if (form.containsKey(USERNAME)) {
      form.putSingle(USERNAME, Typed.name(form.getFirst(USERNAME)));
    }
  }
}
