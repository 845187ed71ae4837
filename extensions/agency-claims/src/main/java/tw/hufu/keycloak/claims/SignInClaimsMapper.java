package tw.hufu.keycloak.claims;

import java.util.List;
import java.util.Map;
import org.keycloak.models.AuthenticatedClientSessionModel;
import org.keycloak.models.ClientSessionContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.ProtocolMapperModel;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserSessionModel;
import org.keycloak.protocol.oidc.mappers.AcrProtocolMapper;
import org.keycloak.protocol.oidc.mappers.AmrProtocolMapper;
import org.keycloak.protocol.oidc.mappers.UserInfoTokenMapper;
import org.keycloak.representations.IDToken;
import org.keycloak.services.managers.AuthenticationManager;

/** Says in userinfo, too, how and when somebody signed in; Keycloak's own mappers leave it out. */
public class SignInClaimsMapper extends TokenMapper implements UserInfoTokenMapper {

  private static final Acr ACR = new Acr();
  private static final Amr AMR = new Amr();

  public SignInClaimsMapper() {
    super(
        "hufu-sign-in-claims",
        "Hufu sign-in claims",
        "acr, amr and auth_time of the sign-in, in userinfo.");
  }

  @Override
  protected void setClaim(
      IDToken token,
      ProtocolMapperModel model,
      UserSessionModel userSession,
      KeycloakSession session,
      ClientSessionContext context) {
    Map<String, Object> claims = token.getOtherClaims();
    AuthenticatedClientSessionModel clientSession = context.getClientSession();
    claims.put("acr", ACR.of(clientSession));
    List<String> methods = AMR.of(clientSession, userSession.getRealm());
    if (methods != null && !methods.isEmpty()) {
      claims.put("amr", methods);
    }
    String time = userSession.getNote(AuthenticationManager.AUTH_TIME);
    if (time != null) {
      claims.put("auth_time", Long.valueOf(time));
    }
  }

  /** Opens what Keycloak's mapper for tokens knows. */
  private static final class Acr extends AcrProtocolMapper {
    String of(AuthenticatedClientSessionModel session) {
      return getAcr(session);
    }
  }

  /** Opens what Keycloak's mapper for tokens knows. */
  private static final class Amr extends AmrProtocolMapper {
    List<String> of(AuthenticatedClientSessionModel session, RealmModel realm) {
      return getAmr(session, realm);
    }
  }
}
