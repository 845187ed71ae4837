package tw.hufu.keycloak.signin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class OnlineOnlyTest {

  @Test
  void offlineAccessIsForgottenAndNothingElse() {
    assertEquals("openid email", OnlineOnly.online("openid offline_access email"));
    assertEquals("openid", OnlineOnly.online("openid"));
    assertEquals("", OnlineOnly.online("offline_access"));
  }
}
