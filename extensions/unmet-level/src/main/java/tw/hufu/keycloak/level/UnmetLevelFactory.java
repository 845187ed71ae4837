package tw.hufu.keycloak.level;

import org.keycloak.Config;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.KeycloakSessionFactory;
import org.keycloak.protocol.oidc.endpoints.AuthorizationEndpointCheckProvider;
import org.keycloak.protocol.oidc.endpoints.AuthorizationEndpointCheckProviderFactory;

/** Has every request for a sign-in checked. */
public class UnmetLevelFactory implements AuthorizationEndpointCheckProviderFactory {

  private static final UnmetLevel CHECK = new UnmetLevel();

  @Override
  public AuthorizationEndpointCheckProvider create(KeycloakSession session) {
    return CHECK;
  }

  @Override
  public String getId() {
    return "hufu-unmet-level";
  }

  @Override
  public boolean isSupported(Config.Scope config) {
    return true;
  }

  @Override
  public void init(Config.Scope config) {}

  @Override
  public void postInit(KeycloakSessionFactory factory) {}

  @Override
  public void close() {}
}
