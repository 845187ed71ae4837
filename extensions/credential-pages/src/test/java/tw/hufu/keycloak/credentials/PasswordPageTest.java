package tw.hufu.keycloak.credentials;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.keycloak.authentication.requiredactions.UpdatePassword;
import org.keycloak.models.PasswordPolicy;

class PasswordPageTest {

  @Test
  void theRulesAreThoseOfTheRealmInTheOrderOfReading() {
    PasswordPolicy policy = mock(PasswordPolicy.class);
    when(policy.getPolicies())
        .thenReturn(Set.of("notUsername", "blacklist", "notContainsUsername", "digits", "length"));
    when(policy.getPolicyConfig(anyString())).thenReturn(null);
    when(policy.<Object>getPolicyConfig("length")).thenReturn(14);
    List<Map<String, String>> rules = PasswordPage.rules(policy);
    assertEquals(
        List.of("length", "digits", "notContainsUsername", "blacklist"),
        rules.stream().map(rule -> rule.get("name")).toList());
    assertEquals("14", rules.get(0).get("value"));
  }

  @Test
  void takesThePlaceOfTheStockPage() {
    assertEquals(new UpdatePassword().getId(), new PasswordPage().getId());
    assertInstanceOf(PasswordPage.class, new PasswordPage().create(null));
    assertInstanceOf(ResetOtp.class, new ResetOtp().create(null));
    assertTrue(new PasswordPage().order() > new UpdatePassword().order());
  }
}
