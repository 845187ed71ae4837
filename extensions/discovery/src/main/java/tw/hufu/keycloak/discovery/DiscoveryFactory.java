package tw.hufu.keycloak.discovery;

import org.keycloak.models.KeycloakSession;
import org.keycloak.protocol.oidc.OIDCWellKnownProviderFactory;
import org.keycloak.wellknown.WellKnownProvider;

/** Stands in for Keycloak's own document. */
public class DiscoveryFactory extends OIDCWellKnownProviderFactory {

  @Override
  public WellKnownProvider create(KeycloakSession session) {
    return new Discovery(session);
  }

  @Override
  public String getId() {
    return "hufu-" + PROVIDER_ID;
  }

  @Override
  public String getAlias() {
    return PROVIDER_ID;
  }

  /** The lowest wins, Keycloak's says 100. */
  @Override
  public int getPriority() {
    return 10;
  }
}
