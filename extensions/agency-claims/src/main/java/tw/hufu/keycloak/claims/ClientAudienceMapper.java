package tw.hufu.keycloak.claims;

import org.keycloak.models.ClientSessionContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.ProtocolMapperModel;
import org.keycloak.models.UserSessionModel;
import org.keycloak.protocol.oidc.mappers.OIDCAccessTokenMapper;
import org.keycloak.representations.IDToken;

/**
 * Names the client itself in an access token's audience: software checks it, and Keycloak answers
 * "inactive" to who asks about a token that is not for him. Keycloak's own mapper would have to be
 * set for each client.
 */
public class ClientAudienceMapper extends TokenMapper implements OIDCAccessTokenMapper {

  public ClientAudienceMapper() {
    super(
        "hufu-client-audience",
        "Hufu client audience",
        "The client that asks, in the audience of its access token.");
  }

  @Override
  protected void setClaim(
      IDToken token,
      ProtocolMapperModel model,
      UserSessionModel userSession,
      KeycloakSession session,
      ClientSessionContext context) {
    token.addAudience(context.getClientSession().getClient().getClientId());
  }
}
