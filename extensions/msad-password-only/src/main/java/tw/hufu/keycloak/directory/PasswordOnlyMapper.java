package tw.hufu.keycloak.directory;

import org.keycloak.component.ComponentModel;
import org.keycloak.models.LDAPConstants;
import org.keycloak.models.ModelException;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserCredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.storage.ldap.LDAPStorageProvider;
import org.keycloak.storage.ldap.idm.model.LDAPObject;
import org.keycloak.storage.ldap.idm.query.internal.LDAPQuery;
import org.keycloak.storage.ldap.mappers.LDAPOperationDecorator;
import org.keycloak.storage.ldap.mappers.msad.MSADUserAccountControlStorageMapper;
import org.keycloak.storage.ldap.mappers.msad.UserAccountControl;
import tw.hufu.keycloak.common.Account;

/**
 * Keycloak's mapper for Active Directory without its writes to userAccountControl: it sets
 * pwdLastSet and nothing else, so Keycloak can never enable an account that was disabled there. An
 * account is enabled only while both the directory and Keycloak say so. A password that was set
 * here before, the present one first of all, is not set again.
 */
public class PasswordOnlyMapper extends MSADUserAccountControlStorageMapper {

  private static final String JUST_NOW = "-1";
  private static final String REPEATED = "invalidPasswordHistoryMessage";
  private static final String DISABLED_IN_DIRECTORY = "533";

  public PasswordOnlyMapper(ComponentModel model, LDAPStorageProvider provider) {
    super(model, provider);
  }

  @Override
  public void beforeLDAPQuery(LDAPQuery query) {
    super.beforeLDAPQuery(query);
    query.addReturningReadOnlyLdapAttribute(LDAPConstants.USER_ACCOUNT_CONTROL);
  }

  @Override
  public LDAPOperationDecorator beforePasswordUpdate(
      UserModel user, LDAPObject entry, UserCredentialModel password) {
    // A directory has no part in Keycloak's transaction.
    Account.oneAtATime(ldapProvider.getSession(), user);
    PasswordHistory history = new PasswordHistory(ldapProvider.getSession());
    if (history.holds(user, password.getChallengeResponse())) {
      throw new ModelException(REPEATED, history.length());
    }
    return super.beforePasswordUpdate(user, entry, password);
  }

  @Override
  public void passwordUpdated(UserModel user, LDAPObject entry, UserCredentialModel password) {
    entry.removeReadOnlyAttributeName(LDAPConstants.PWD_LAST_SET);
    entry.setSingleAttribute(LDAPConstants.PWD_LAST_SET, JUST_NOW);
    ldapProvider.getLdapIdentityStore().update(entry);
    new PasswordHistory(ldapProvider.getSession()).remember(user, password.getChallengeResponse());
  }

  @Override
  protected void updateUserAccountControl(
      boolean now, LDAPObject entry, UserAccountControl control) {
    // Whoever asks for it: the state of an account is not Keycloak's to write.
  }

  @Override
  public void onImportUserFromLDAP(
      LDAPObject entry, UserModel user, RealmModel realm, boolean isCreate) {
    // Keycloak's own switch starts as on and is then only turned by those who manage the account;
    // the directory's switch is read each time, below.
    if (isCreate) {
      user.setEnabled(true);
    }
  }

  @Override
  protected boolean processAuthErrorCode(String errorCode, UserModel user) {
    // The stock mapper would turn Keycloak's switch off here, and nobody would turn it on again.
    return !DISABLED_IN_DIRECTORY.equals(errorCode) && super.processAuthErrorCode(errorCode, user);
  }

  @Override
  public UserModel proxy(LDAPObject entry, UserModel delegate, RealmModel realm) {
    return new DirectoryUser(delegate, entry);
  }

  /** A user whose state in the directory is read, never written. */
  class DirectoryUser extends MSADUserModelDelegate {

    private final LDAPObject entry;

    DirectoryUser(UserModel delegate, LDAPObject entry) {
      super(delegate, entry, false);
      this.entry = entry;
    }

    @Override
    public boolean isEnabled() {
      return delegate.isEnabled()
          && !getUserAccountControl(entry).has(UserAccountControl.ACCOUNTDISABLE);
    }

    @Override
    public void setEnabled(boolean enabled) {
      delegate.setEnabled(enabled);
    }
  }
}
