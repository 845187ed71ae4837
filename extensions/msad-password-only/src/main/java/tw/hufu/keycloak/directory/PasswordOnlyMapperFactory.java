package tw.hufu.keycloak.directory;

import org.keycloak.component.ComponentModel;
import org.keycloak.storage.ldap.LDAPStorageProvider;
import org.keycloak.storage.ldap.mappers.AbstractLDAPStorageMapper;
import org.keycloak.storage.ldap.mappers.msad.MSADUserAccountControlStorageMapperFactory;

/**
 * Under an id of its own: without this jar the directory does not work at all, rather than with the
 * stock mapper.
 */
public class PasswordOnlyMapperFactory extends MSADUserAccountControlStorageMapperFactory {

  public static final String PROVIDER_ID = "hufu-msad-password-only";

  @Override
  public String getId() {
    return PROVIDER_ID;
  }

  @Override
  public String getHelpText() {
    return "Reads the account state of Active Directory and writes pwdLastSet only.";
  }

  @Override
  protected AbstractLDAPStorageMapper createMapper(
      ComponentModel model, LDAPStorageProvider provider) {
    return new PasswordOnlyMapper(model, provider);
  }
}
