package tw.hufu.keycloak.forms;

import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.keycloak.models.KeycloakSession;

/**
 * Answers on a beat, so that how long an answer took does not say whether there is such an account:
 * a directory is asked about one and a hash is made for none, a mail goes out for one and none for
 * the other.
 */
final class Beat {

  static final long MILLIS = 500;
  private static final String BEGAN = "hufu.forms.began";

  private Beat() {}

  /** From here on it counts, until the answer of this request. */
  static void begin(KeycloakSession session) {
    session.setAttribute(BEGAN, nanos());
  }

  /** Wait for the next beat after the beginning. */
  static void await(KeycloakSession session) {
    Long began = (Long) session.getAttribute(BEGAN);
    if (began != null) {
      await(TimeUnit.NANOSECONDS.toMillis(nanos() - began), Beat::sleep);
    }
  }

  static void await(long tookMillis, LongConsumer sleep) {
    sleep.accept(MILLIS - tookMillis % MILLIS);
  }

  static long nanos() {
    return System.nanoTime();
  }

  static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
