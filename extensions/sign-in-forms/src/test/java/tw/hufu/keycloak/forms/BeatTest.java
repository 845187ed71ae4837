package tw.hufu.keycloak.forms;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.CALLS_REAL_METHODS;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.mockStatic;
import static org.mockito.Mockito.when;

import jakarta.ws.rs.core.MultivaluedHashMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.keycloak.authentication.AuthenticationFlowContext;
import org.keycloak.models.KeycloakSession;
import org.mockito.MockedStatic;

class BeatTest {

  /** The clock stands but for what is said to take time, and for the waiting. */
  private long now;

  private MockedStatic<Beat> beat;
  private AuthenticationFlowContext context;

  @BeforeEach
  void clockIsSet() {
    beat = mockStatic(Beat.class, CALLS_REAL_METHODS);
    beat.when(Beat::nanos).thenAnswer(called -> TimeUnit.MILLISECONDS.toNanos(now));
    beat.when(() -> Beat.sleep(anyLong())).thenAnswer(called -> pass(called.getArgument(0)));
    Map<String, Object> attributes = new HashMap<>();
    KeycloakSession session = mock(KeycloakSession.class);
    when(session.getAttribute(anyString())).thenAnswer(it -> attributes.get(it.getArgument(0)));
    doAnswer(it -> attributes.put(it.getArgument(0), it.getArgument(1)))
        .when(session)
        .setAttribute(anyString(), any());
    context = mock(AuthenticationFlowContext.class);
    when(context.getSession()).thenReturn(session);
  }

  @AfterEach
  void clockGoesOn() {
    beat.close();
  }

  private Object pass(long millis) {
    now += millis;
    return null;
  }

  /** When a sign-in is answered whose judgement takes so long. */
  private long answered(long takes, boolean right) {
    PasswordForm form = mock(PasswordForm.class, CALLS_REAL_METHODS);
    doAnswer(
            called -> {
              pass(takes);
              return right;
            })
        .when(form)
        .validateUserAndPassword(any(), any());
    long began = now;
    assertEquals(right, form.validateForm(context, new MultivaluedHashMap<>()));
    return now - began;
  }

  /** When "forgot password" is answered where the mail, if there is one, takes so long. */
  private long mailed(long takes) {
    ResetMail mail = mock(ResetMail.class, CALLS_REAL_METHODS);
    doAnswer(called -> pass(takes)).when(mail).mail(context);
    long began = now;
    Beat.begin(context.getSession());
    mail.authenticate(context);
    return now - began;
  }

  @Test
  void everyAnswerComesOnTheBeat() {
    List<Long> slept = new ArrayList<>();
    for (long took : new long[] {0, 42, 65, 499, 500, 730}) {
      Beat.await(took, slept::add);
      assertEquals(0, (took + slept.get(slept.size() - 1)) % Beat.MILLIS);
    }
    assertEquals(List.of(500L, 458L, 435L, 1L, 500L, 270L), slept);
  }

  @Test
  void whoeverIsRefusedHearsItAtTheSameMomentWhetherThereIsSuchAnAccountOrNot() {
    assertEquals(List.of(500L, 500L), List.of(answered(42, false), answered(65, false)));
  }

  @Test
  void whoeverIsRightWaitsForNothing() {
    assertEquals(65, answered(65, true));
  }

  @Test
  void forgottenPasswordIsAnsweredAtTheSameMomentWhetherOneIsMailedOrNobody() {
    assertEquals(List.of(500L, 500L), List.of(mailed(1), mailed(230)));
  }
}
