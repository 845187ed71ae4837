package tw.hufu.keycloak.credentials;

import jakarta.ws.rs.core.MultivaluedMap;
import java.time.Instant;
import java.util.List;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.authentication.requiredactions.UpdateTotp;
import org.keycloak.credential.CredentialModel;
import org.keycloak.models.OTPPolicy;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.services.validation.Validation;
import org.keycloak.sessions.AuthenticationSessionModel;
import tw.hufu.keycloak.common.DelegatingProxy;
import tw.hufu.keycloak.common.OneTimePasswords;
import tw.hufu.keycloak.common.Typed;

/**
 * Stands in for Keycloak's CONFIGURE_TOTP. Takes a code as the app shows it, "123 456". Somebody
 * has one OTP: what is set up anew replaces what was, once it stands, and needs no name.
 */
public class SetUpOtp extends UpdateTotp {

  private static final String NAME = "userLabel";

  @Override
  public int order() {
    return 100;
  }

  @Override
  public final void processAction(RequiredActionContext context) {
    if (!Refusal.ofTheOutdated(context)) {
      process(context);
    }
  }

  void process(RequiredActionContext context) {
    UserModel user = context.getUser();
    AuthenticationSessionModel visit = context.getAuthenticationSession();
    List<CredentialModel> before = OneTimePasswords.of(user).toList();
    super.processAction(
        DelegatingProxy.ofForm(
            RequiredActionContext.class,
            context,
            context.getHttpRequest(),
            form -> name(form, before)));
    if (context.getStatus() == RequiredActionContext.Status.SUCCESS) {
      before.forEach(old -> user.credentialManager().removeStoredCredentialById(old.getId()));
      OneTimePasswords.note(visit, user);
    }
  }

  /** Keycloak demands a name from the second one on, and that no two have the same. */
  static void name(MultivaluedMap<String, String> form, List<CredentialModel> before) {
    String given = form.getFirst(NAME);
    boolean taken =
        before.stream().anyMatch(old -> given != null && given.equals(old.getUserLabel()));
    if (!before.isEmpty() && (given == null || given.isBlank() || taken)) {
      form.putSingle(NAME, Instant.now().toString());
    }
  }

  @Override
  protected boolean validateOTPCredential(
      RequiredActionContext context, String code, OTPCredentialModel credential, OTPPolicy policy) {
    // A form without a secret is nobody's who saw the page.
    return !Validation.isBlank(credential.getOTPSecretData().getValue())
        && super.validateOTPCredential(context, Typed.code(code), credential, policy);
  }
}
