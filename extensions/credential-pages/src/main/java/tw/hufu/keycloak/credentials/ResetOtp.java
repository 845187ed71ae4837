package tw.hufu.keycloak.credentials;

import jakarta.ws.rs.core.MultivaluedMap;
import java.util.List;
import java.util.Set;
import org.keycloak.authentication.AuthenticatorUtil;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.authentication.requiredactions.UpdateTotp;
import org.keycloak.credential.CredentialModel;
import org.keycloak.events.Details;
import org.keycloak.events.Errors;
import org.keycloak.events.EventType;
import org.keycloak.forms.login.LoginFormsProvider;
import org.keycloak.models.RealmModel;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserCredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.UserModel.RequiredAction;
import org.keycloak.models.credential.OTPCredentialModel;
import org.keycloak.models.credential.PasswordCredentialModel;
import org.keycloak.models.utils.FormMessage;
import org.keycloak.services.managers.BruteForceProtector;
import org.keycloak.services.messages.Messages;
import org.keycloak.services.validation.Validation;
import org.keycloak.utils.CredentialHelper;
import tw.hufu.keycloak.common.Typed;

/**
 * A new one-time password in place of the old ones, for whoever lost his phone: the mailed link
 * alone sets up nothing, the present password is asked first; the old ones end when the new one
 * stands.
 */
public class ResetOtp extends UpdateTotp {

  public static final String ID = "HUFU_RESET_OTP";
  static final String PASSWORD_PROVED = "hufu-password-proved";
  private static final String PASSWORD_PAGE = "hufu-present-password.ftl";

  @Override
  public String getId() {
    return ID;
  }

  @Override
  public String getDisplayText() {
    return "Replace the one-time password (present password asked)";
  }

  @Override
  public void requiredActionChallenge(RequiredActionContext context) {
    if (isProved(context)) {
      super.requiredActionChallenge(context);
    } else {
      context.challenge(context.form().createForm(PASSWORD_PAGE));
    }
  }

  @Override
  public void processAction(RequiredActionContext context) {
    if (isProved(context)) {
      setUp(context);
    } else if (proves(context)) {
      context.getAuthenticationSession().setAuthNote(PASSWORD_PROVED, "true");
      super.requiredActionChallenge(context);
    } else {
      LoginFormsProvider form =
          context.form().addError(new FormMessage("password", Messages.INVALID_PASSWORD_EXISTING));
      context.challenge(form.createForm(PASSWORD_PAGE));
    }
  }

  private static boolean isProved(RequiredActionContext context) {
    return context.getAuthenticationSession().getAuthNote(PASSWORD_PROVED) != null;
  }

  /**
   * Wrong tries count as they do at sign-in, and a locked account says what a wrong password says.
   */
  private static boolean proves(RequiredActionContext context) {
    RealmModel realm = context.getRealm();
    UserModel user = context.getUser();
    BruteForceProtector protector = context.getSession().getProvider(BruteForceProtector.class);
    boolean locked =
        realm.isBruteForceProtected()
            && (protector.isTemporarilyDisabled(context.getSession(), realm, user)
                || protector.isPermanentlyLockedOut(context.getSession(), realm, user));
    String password = context.getHttpRequest().getDecodedFormParameters().getFirst("password");
    if (!locked
        && !Validation.isBlank(password)
        && user.credentialManager().isValid(UserCredentialModel.password(password))) {
      return true;
    }
    context
        .getEvent()
        .clone()
        .event(EventType.UPDATE_CREDENTIAL_ERROR)
        .user(user)
        .error(locked ? Errors.USER_TEMPORARILY_DISABLED : Errors.INVALID_USER_CREDENTIALS);
    if (!locked && realm.isBruteForceProtected()) {
      protector.failedLogin(
          realm,
          user,
          context.getConnection(),
          context.getUriInfo(),
          Set.of(PasswordCredentialModel.TYPE));
    }
    return false;
  }

  private void setUp(RequiredActionContext context) {
    MultivaluedMap<String, String> form = context.getHttpRequest().getDecodedFormParameters();
    String code = Typed.code(form.getFirst("totp"));
    OTPCredentialModel otp =
        OTPCredentialModel.createFromPolicy(
            context.getRealm(), form.getFirst("totpSecret"), form.getFirst("userLabel"));
    context
        .getEvent()
        .event(EventType.UPDATE_CREDENTIAL)
        .detail(Details.CREDENTIAL_TYPE, otp.getType());
    if (Validation.isBlank(code)) {
      refuse(context, form.getFirst("mode"), Messages.MISSING_TOTP);
    } else if (!validateOTPCredential(context, code, otp, context.getRealm().getOTPPolicy())) {
      refuse(context, form.getFirst("mode"), Messages.INVALID_TOTP);
    } else {
      replace(context, code, otp);
      if ("on".equals(form.getFirst("logout-sessions"))) {
        AuthenticatorUtil.logoutOtherSessions(context);
      }
    }
  }

  private static void refuse(RequiredActionContext context, String mode, String message) {
    LoginFormsProvider form = context.form().setAttribute("mode", mode);
    form.addError(new FormMessage("totp", message));
    context.challenge(form.createResponse(RequiredAction.CONFIGURE_TOTP));
  }

  /**
   * In one transaction: either the new one stands and the old ones are gone, or all is as it was.
   */
  private static void replace(RequiredActionContext context, String code, OTPCredentialModel otp) {
    UserModel user = context.getUser();
    SubjectCredentialManager credentials = user.credentialManager();
    List<String> old =
        credentials
            .getStoredCredentialsByTypeStream(OTPCredentialModel.TYPE)
            .map(CredentialModel::getId)
            .toList();
    // First, so that the new one may have the name of the old one.
    old.forEach(credentials::removeStoredCredentialById);
    if (!CredentialHelper.createOTPCredential(
        context.getSession(), context.getRealm(), user, code, otp)) {
      throw new IllegalStateException("the code was good a moment ago");
    }
    context.success();
  }
}
