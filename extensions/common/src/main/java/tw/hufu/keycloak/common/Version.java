package tw.hufu.keycloak.common;

import java.util.Objects;
import org.keycloak.models.AuthenticationExecutionModel;
import org.keycloak.models.AuthenticationFlowModel;
import org.keycloak.models.RealmModel;

/**
 * A flow of ours is a frame around one version of it, and around two while it changes under people
 * who sign in. What Keycloak works out about a flow as a whole fails where two steps have the same
 * level, so it is asked about a version.
 */
public final class Version {

  private Version() {}

  /** The one in which people begin; the flow itself where it holds none. */
  public static AuthenticationFlowModel of(AuthenticationFlowModel frame, RealmModel realm) {
    return realm
        .getAuthenticationExecutionsStream(frame.getId())
        .filter(step -> step.isAuthenticatorFlow() && step.isEnabled())
        .map(AuthenticationExecutionModel::getFlowId)
        .map(realm::getAuthenticationFlowById)
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(frame);
  }
}
