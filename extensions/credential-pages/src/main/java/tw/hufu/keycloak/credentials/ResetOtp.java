package tw.hufu.keycloak.credentials;

import java.util.Set;
import org.keycloak.authentication.InitiatedActionSupport;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.events.Errors;
import org.keycloak.events.EventType;
import org.keycloak.forms.login.LoginFormsProvider;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserCredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.PasswordCredentialModel;
import org.keycloak.models.utils.FormMessage;
import org.keycloak.services.managers.BruteForceProtector;
import org.keycloak.services.messages.Messages;
import org.keycloak.services.validation.Validation;
import org.keycloak.sessions.AuthenticationSessionModel;
import tw.hufu.keycloak.common.OneTimePasswords;

/**
 * A new one-time password in place of the old ones, for whoever lost his phone: the mailed link
 * alone sets up nothing, the present password is asked first.
 */
public class ResetOtp extends SetUpOtp {

  static final String PASSWORD_PROVED = "hufu-password-proved";
  private static final String PASSWORD_PAGE = "hufu-present-password.ftl";

  @Override
  public String getId() {
    return OneTimePasswords.RESET_ACTION;
  }

  @Override
  public String getDisplayText() {
    return "Replace the one-time password (present password asked)";
  }

  /** A mailed link alone asks for it, no application by kc_action. */
  @Override
  public InitiatedActionSupport initiatedActionSupport() {
    return InitiatedActionSupport.NOT_SUPPORTED;
  }

  @Override
  public void requiredActionChallenge(RequiredActionContext context) {
    AuthenticationSessionModel visit = context.getAuthenticationSession();
    if (!OneTimePasswords.areNoted(visit)) {
      OneTimePasswords.note(visit, context.getUser());
    }
    if (isProved(context)) {
      super.requiredActionChallenge(context);
    } else {
      context.challenge(context.form().createForm(PASSWORD_PAGE));
    }
  }

  @Override
  void process(RequiredActionContext context) {
    if (isProved(context)) {
      super.process(context);
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
}
