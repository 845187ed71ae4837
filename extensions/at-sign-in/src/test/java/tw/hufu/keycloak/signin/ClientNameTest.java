package tw.hufu.keycloak.signin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ClientNameTest {

  @Test
  void aKeyIsTheRealmsTextAndANameItself() {
    Map<String, String> texts = Map.of("console", "Official accounts");
    assertEquals("Official accounts", ClientName.resolved("${console}", texts));
    assertEquals("${other}", ClientName.resolved("${other}", texts));
    assertEquals("公文系統", ClientName.resolved("公文系統", texts));
  }
}
