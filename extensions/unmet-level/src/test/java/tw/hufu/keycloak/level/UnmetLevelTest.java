package tw.hufu.keycloak.level;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UnmetLevelTest {

  private static boolean met(String... demanded) {
    return UnmetLevel.isMet(List.of(demanded), Map.of("gold", 2, "platinum", 9)::get, List.of(2));
  }

  @Test
  void whatTheFlowReachesIsMet() {
    assertTrue(met("2"));
    assertTrue(met("1"));
    assertTrue(met("gold"));
    assertTrue(met("3", "2"));
  }

  @Test
  void whatNobodyReachesIsNot() {
    assertFalse(met("3"));
    assertFalse(met("platinum"));
    assertFalse(met("urn:mace:incommon:iap:silver"));
  }
}
