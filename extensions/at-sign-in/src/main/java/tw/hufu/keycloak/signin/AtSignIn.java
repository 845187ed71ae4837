package tw.hufu.keycloak.signin;

import org.keycloak.Config;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.authentication.RequiredActionFactory;
import org.keycloak.authentication.RequiredActionProvider;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.KeycloakSessionFactory;

/** An action that is never asked for; Keycloak looks at it at each sign-in, by cookie too. */
abstract class AtSignIn implements RequiredActionProvider, RequiredActionFactory {

  private final String id;
  private final String displayText;

  AtSignIn(String id, String displayText) {
    this.id = id;
    this.displayText = displayText;
  }

  @Override
  public String getId() {
    return id;
  }

  @Override
  public String getDisplayText() {
    return displayText;
  }

  @Override
  public void requiredActionChallenge(RequiredActionContext context) {
    context.success();
  }

  @Override
  public void processAction(RequiredActionContext context) {
    context.success();
  }

  @Override
  public RequiredActionProvider create(KeycloakSession session) {
    return this;
  }

  @Override
  public void init(Config.Scope config) {}

  @Override
  public void postInit(KeycloakSessionFactory factory) {}

  @Override
  public void close() {}
}
