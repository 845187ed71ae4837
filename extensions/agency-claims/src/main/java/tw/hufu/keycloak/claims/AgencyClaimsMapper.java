package tw.hufu.keycloak.claims;

import org.keycloak.models.ClientSessionContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.ProtocolMapperModel;
import org.keycloak.models.UserSessionModel;
import org.keycloak.protocol.oidc.mappers.OIDCAccessTokenMapper;
import org.keycloak.protocol.oidc.mappers.OIDCIDTokenMapper;
import org.keycloak.protocol.oidc.mappers.TokenIntrospectionTokenMapper;
import org.keycloak.protocol.oidc.mappers.UserInfoTokenMapper;
import org.keycloak.representations.IDToken;

/** Writes agency_oid, agency_name and agency_code of the person's own agency into tokens. */
public class AgencyClaimsMapper extends TokenMapper
    implements OIDCAccessTokenMapper,
        OIDCIDTokenMapper,
        UserInfoTokenMapper,
        TokenIntrospectionTokenMapper {

  public AgencyClaimsMapper() {
    super(
        "hufu-agency-claims",
        "Hufu agency claims",
        "agency_oid, agency_name and agency_code of the one agency group the user is directly in.");
  }

  @Override
  protected void setClaim(
      IDToken token,
      ProtocolMapperModel model,
      UserSessionModel userSession,
      KeycloakSession session,
      ClientSessionContext context) {
    Agency.of(userSession.getUser().getGroupsStream())
        .ifPresent(agency -> token.getOtherClaims().putAll(agency.claims()));
  }
}
