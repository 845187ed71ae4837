package tw.hufu.keycloak.directory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.component.ComponentModel;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserModel;
import org.keycloak.storage.UserStorageProvider.EditMode;
import org.keycloak.storage.ldap.LDAPStorageProvider;
import org.keycloak.storage.ldap.idm.model.LDAPObject;
import org.keycloak.storage.ldap.idm.store.ldap.LDAPIdentityStore;
import org.keycloak.storage.ldap.mappers.msad.MSADUserAccountControlStorageMapperFactory;

class PasswordOnlyMapperTest {

  private static final String STATE = "userAccountControl";

  private final LDAPStorageProvider provider = mock(LDAPStorageProvider.class);
  private final LDAPIdentityStore store = mock(LDAPIdentityStore.class);
  private final UserModel stored = mock(UserModel.class);
  private final PasswordOnlyMapper mapper = mapper();

  private PasswordOnlyMapper mapper() {
    when(provider.getEditMode()).thenReturn(EditMode.WRITABLE);
    when(provider.getLdapIdentityStore()).thenReturn(store);
    return new PasswordOnlyMapper(new ComponentModel(), provider);
  }

  private static LDAPObject entry(String state) {
    LDAPObject entry = new LDAPObject();
    entry.setSingleAttribute(STATE, state);
    return entry;
  }

  @ParameterizedTest
  @CsvSource({"true, 512, true", "true, 514, false", "false, 512, false", "false, 514, false"})
  void enabledOnlyWhereBothSaySo(boolean keycloak, String directory, boolean enabled) {
    when(stored.isEnabled()).thenReturn(keycloak);
    UserModel user = mapper.proxy(entry(directory), stored, mock(RealmModel.class));
    assertEquals(enabled, user.isEnabled());
  }

  @Test
  void switchingInKeycloakLeavesTheDirectoryAlone() {
    LDAPObject entry = entry("514");
    mapper.proxy(entry, stored, mock(RealmModel.class)).setEnabled(true);
    verify(stored).setEnabled(true);
    assertEquals("514", entry.getAttributeAsString(STATE));
    verify(store, never()).update(any());
  }

  @Test
  void aNewPasswordWritesPwdLastSetAndNoState() {
    LDAPObject entry = entry("514");
    mapper.passwordUpdated(stored, entry, null);
    assertEquals("-1", entry.getAttributeAsString("pwdLastSet"));
    assertEquals("514", entry.getAttributeAsString(STATE));
    verify(store).update(entry);
  }

  @Test
  void anImportTurnsNoSwitchBackOn() {
    mapper.onImportUserFromLDAP(entry("512"), stored, mock(RealmModel.class), false);
    verify(stored, never()).setEnabled(anyBoolean());
  }

  @Test
  void aRefusalForBeingDisabledIsARefusal() {
    assertFalse(mapper.processAuthErrorCode("533", stored));
    verify(stored, never()).setEnabled(anyBoolean());
  }

  @Test
  void isNotMistakenForTheStockMapper() {
    assertNotEquals(
        MSADUserAccountControlStorageMapperFactory.PROVIDER_ID,
        new PasswordOnlyMapperFactory().getId());
  }
}
