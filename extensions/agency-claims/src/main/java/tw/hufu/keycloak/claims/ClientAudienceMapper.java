package tw.hufu.keycloak.claims;

import java.util.List;
import org.keycloak.models.ClientSessionContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.ProtocolMapperModel;
import org.keycloak.models.UserSessionModel;
import org.keycloak.protocol.oidc.mappers.AbstractOIDCProtocolMapper;
import org.keycloak.protocol.oidc.mappers.OIDCAccessTokenMapper;
import org.keycloak.provider.ProviderConfigProperty;
import org.keycloak.representations.IDToken;

/**
 * Names the client itself in an access token's audience: software checks it, and Keycloak answers
 * "inactive" to who asks about a token that is not for him. Keycloak's own mapper would have to be
 * set for each client.
 */
public class ClientAudienceMapper extends AbstractOIDCProtocolMapper
    implements OIDCAccessTokenMapper {

  @Override
  public String getId() {
    return "hufu-client-audience";
  }

  @Override
  public String getDisplayType() {
    return "Hufu client audience";
  }

  @Override
  public String getDisplayCategory() {
    return TOKEN_MAPPER_CATEGORY;
  }

  @Override
  public String getHelpText() {
    return "The client that asks, in the audience of its access token.";
  }

  @Override
  public List<ProviderConfigProperty> getConfigProperties() {
    return List.of();
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
