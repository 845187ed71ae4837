package tw.hufu.keycloak.forms;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BeatTest {

  @Test
  void everyAnswerComesOnTheBeat() {
    List<Long> slept = new ArrayList<>();
    for (long took : new long[] {0, 42, 65, 499, 500, 730}) {
      Beat.await(took, slept::add);
      assertEquals(0, (took + slept.get(slept.size() - 1)) % Beat.MILLIS);
    }
    assertEquals(List.of(500L, 458L, 435L, 1L, 500L, 270L), slept);
  }
}
