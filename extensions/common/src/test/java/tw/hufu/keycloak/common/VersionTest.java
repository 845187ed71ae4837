package tw.hufu.keycloak.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.keycloak.models.AuthenticationExecutionModel;
import org.keycloak.models.AuthenticationExecutionModel.Requirement;
import org.keycloak.models.AuthenticationFlowModel;
import org.keycloak.models.RealmModel;

class VersionTest {

  private final RealmModel realm = mock(RealmModel.class);
  private final AuthenticationFlowModel frame = flow("frame");

  private static AuthenticationFlowModel flow(String id) {
    AuthenticationFlowModel flow = new AuthenticationFlowModel();
    flow.setId(id);
    return flow;
  }

  private AuthenticationExecutionModel version(String id, Requirement requirement) {
    AuthenticationFlowModel flow = flow(id);
    when(realm.getAuthenticationFlowById(id)).thenReturn(flow);
    AuthenticationExecutionModel step = new AuthenticationExecutionModel();
    step.setAuthenticatorFlow(true);
    step.setFlowId(id);
    step.setRequirement(requirement);
    return step;
  }

  private String versionOf(AuthenticationExecutionModel... steps) {
    when(realm.getAuthenticationExecutionsStream("frame")).thenReturn(Stream.of(steps));
    return Version.of(frame, realm).getId();
  }

  @Test
  void isTheFirstThatIsSwitchedOn() {
    var built = version("B", Requirement.DISABLED);
    var left = version("A", Requirement.ALTERNATIVE);
    assertEquals("A", versionOf(built, left));
    built.setRequirement(Requirement.ALTERNATIVE);
    assertEquals("B", versionOf(built, left));
  }

  @Test
  void aFlowWithoutVersionsIsItsOwn() {
    var cookie = new AuthenticationExecutionModel();
    cookie.setRequirement(Requirement.ALTERNATIVE);
    assertEquals("frame", versionOf(cookie));
  }
}
