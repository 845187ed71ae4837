package tw.hufu.keycloak.discovery;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.keycloak.models.AuthenticationFlowModel;
import org.keycloak.models.ClientScopeModel;
import org.keycloak.models.KeycloakContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.RealmModel;
import org.keycloak.models.utils.RealmModelDelegate;
import org.keycloak.protocol.oidc.OIDCWellKnownProvider;
import org.keycloak.protocol.oidc.representations.OIDCConfigurationRepresentation;
import tw.hufu.keycloak.common.Version;

/**
 * The discovery document, without what nobody is given; claims are those of our scope's mappers.
 */
class Discovery extends OIDCWellKnownProvider {

  private static final String SCOPE = "hufu";
  private static final List<String> GRANTS =
      List.of("authorization_code", "client_credentials", "refresh_token");
  // Those that no mapper's setting names.
  private static final List<String> CLAIMS =
      List.of(
          "iss",
          "sub",
          "aud",
          "exp",
          "iat",
          "sid",
          "acr",
          "amr",
          "agency_oid",
          "agency_name",
          "agency_code");

  private final KeycloakContext context;
  private final RealmModel realm;

  Discovery(KeycloakSession session) {
    super(session, null, true);
    context = session.getContext();
    realm = context.getRealm();
  }

  @Override
  public Object getConfig() {
    OIDCConfigurationRepresentation config = stock();
    realm
        .getClientScopesStream()
        .filter(scope -> scope.getName().equals(SCOPE))
        .findFirst()
        .ifPresent(scope -> narrow(config, scope));
    return config;
  }

  /** Keycloak's, of the version of the flow in which people begin: it cannot tell of two. */
  private OIDCConfigurationRepresentation stock() {
    context.setRealm(
        new RealmModelDelegate(realm) {
          @Override
          public AuthenticationFlowModel getBrowserFlow() {
            return Version.of(super.getBrowserFlow(), realm);
          }
        });
    try {
      return (OIDCConfigurationRepresentation) super.getConfig();
    } finally {
      context.setRealm(realm);
    }
  }

  static void narrow(OIDCConfigurationRepresentation config, ClientScopeModel scope) {
    config.setGrantTypesSupported(GRANTS);
    config.setResponseTypesSupported(List.of("code"));
    config.setClaimsSupported(claims(scope));
    // 0 is what Keycloak says of a sign-in that was none.
    config.setAcrValuesSupported(
        config.getAcrValuesSupported().stream().filter(acr -> !acr.equals("0")).toList());
    config.setRegistrationEndpoint(null);
    config.setBackchannelAuthenticationEndpoint(null);
    config.setBackchannelTokenDeliveryModesSupported(null);
    config.setBackchannelAuthenticationRequestSigningAlgValuesSupported(null);
    config.setMtlsEndpointAliases(null);
  }

  private static List<String> claims(ClientScopeModel scope) {
    Stream<String> mapped =
        scope
            .getProtocolMappersStream()
            .map(mapper -> mapper.getConfig().get("claim.name"))
            .filter(Objects::nonNull);
    return Stream.concat(CLAIMS.stream(), mapped).distinct().toList();
  }
}
