package tw.hufu.keycloak.credentials;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.authentication.RequiredActionProvider;
import org.keycloak.authentication.requiredactions.UpdatePassword;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.PasswordPolicy;
import tw.hufu.keycloak.common.Activation;

/**
 * Keycloak's page for a new password, which besides tells its template the realm's rules, before
 * and after an error, and whether it belongs to an activation.
 */
public class PasswordPage extends UpdatePassword {

  private static final int BEFORE_THE_STOCK_PAGE = 100;
  private static final String CONTAINS_NAME = "notContainsUsername";
  private static final String IS_NAME = "notUsername";
  private static final List<String> AS_READ =
      List.of(
          "length",
          "maxLength",
          "upperCase",
          "lowerCase",
          "digits",
          "specialChars",
          CONTAINS_NAME,
          IS_NAME,
          "notEmail",
          "passwordHistory");

  @Override
  public int order() {
    return BEFORE_THE_STOCK_PAGE;
  }

  @Override
  public RequiredActionProvider create(KeycloakSession session) {
    return this;
  }

  @Override
  public void requiredActionChallenge(RequiredActionContext context) {
    tell(context);
    super.requiredActionChallenge(context);
  }

  @Override
  public void processAction(RequiredActionContext context) {
    tell(context);
    if (!Refusal.ofTheOutdated(context)) {
      super.processAction(context);
    }
  }

  /** There is one form for each request, so a page with an error has this, too. */
  private static void tell(RequiredActionContext context) {
    context
        .form()
        .setAttribute("hufuPasswordRules", rules(context.getRealm().getPasswordPolicy()))
        .setAttribute("hufuActivation", Activation.isUnderWay(context.getAuthenticationSession()));
  }

  /** Each rule's name and number, in the order in which people read them. */
  static List<Map<String, String>> rules(PasswordPolicy policy) {
    Set<String> names = policy.getPolicies();
    return names.stream()
        .filter(name -> !(name.equals(IS_NAME) && names.contains(CONTAINS_NAME)))
        .sorted(Comparator.comparingInt(PasswordPage::place).thenComparing(name -> name))
        .map(name -> Map.of("name", name, "value", valueOf(policy, name)))
        .toList();
  }

  private static int place(String name) {
    return AS_READ.contains(name) ? AS_READ.indexOf(name) : AS_READ.size();
  }

  private static String valueOf(PasswordPolicy policy, String name) {
    Object value = policy.getPolicyConfig(name);
    return value == null ? "" : value.toString();
  }
}
