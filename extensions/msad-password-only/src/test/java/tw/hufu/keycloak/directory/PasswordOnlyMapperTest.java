package tw.hufu.keycloak.directory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.ArgumentMatchers.argThat;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.RETURNS_SELF;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import jakarta.persistence.TypedQuery;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.keycloak.component.ComponentModel;
import org.keycloak.connections.jpa.JpaConnectionProvider;
import org.keycloak.credential.CredentialModel;
import org.keycloak.credential.hash.PasswordHashProvider;
import org.keycloak.models.KeycloakContext;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.ModelException;
import org.keycloak.models.PasswordPolicy;
import org.keycloak.models.RealmModel;
import org.keycloak.models.SubjectCredentialManager;
import org.keycloak.models.UserCredentialModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.PasswordCredentialModel;
import org.keycloak.storage.UserStorageProvider.EditMode;
import org.keycloak.storage.ldap.LDAPStorageProvider;
import org.keycloak.storage.ldap.idm.model.LDAPObject;
import org.keycloak.storage.ldap.idm.store.ldap.LDAPIdentityStore;
import org.keycloak.storage.ldap.mappers.msad.MSADUserAccountControlStorageMapperFactory;
import org.mockito.ArgumentCaptor;
import org.mockito.InOrder;

class PasswordOnlyMapperTest {

  private static final String STATE = "userAccountControl";

  private final LDAPStorageProvider provider = mock(LDAPStorageProvider.class);
  private final LDAPIdentityStore store = mock(LDAPIdentityStore.class);
  private final UserModel stored = mock(UserModel.class);
  private final SubjectCredentialManager credentials = mock(SubjectCredentialManager.class);
  private final PasswordHashProvider hash = mock(PasswordHashProvider.class);
  private final PasswordPolicy policy = mock(PasswordPolicy.class);

  @SuppressWarnings("unchecked")
  private final TypedQuery<Object> row = mock(TypedQuery.class, RETURNS_SELF);

  private final PasswordOnlyMapper mapper = mapper();

  private PasswordOnlyMapper mapper() {
    KeycloakSession session = mock(KeycloakSession.class);
    KeycloakContext context = mock(KeycloakContext.class);
    RealmModel realm = mock(RealmModel.class);
    JpaConnectionProvider connection = mock(JpaConnectionProvider.class);
    when(provider.getSession()).thenReturn(session);
    when(session.getProvider(JpaConnectionProvider.class)).thenReturn(connection);
    EntityManager database = mock(EntityManager.class);
    when(connection.getEntityManager()).thenReturn(database);
    when(database.createQuery(anyString(), eq(Object.class))).thenReturn(row);
    when(stored.getId()).thenReturn("wang");
    when(session.getContext()).thenReturn(context);
    when(context.getRealm()).thenReturn(realm);
    when(realm.getPasswordPolicy()).thenReturn(policy);
    when(session.getProvider(PasswordHashProvider.class)).thenReturn(hash);
    when(session.getProvider(eq(PasswordHashProvider.class), anyString())).thenReturn(hash);
    when(hash.encodedCredential(anyString(), anyInt()))
        .thenAnswer(call -> hashOf(call.getArgument(0), 0));
    when(hash.verify(anyString(), any(PasswordCredentialModel.class)))
        .thenAnswer(
            call ->
                call.<PasswordCredentialModel>getArgument(1)
                    .getPasswordSecretData()
                    .getValue()
                    .equals(call.getArgument(0)));
    when(stored.credentialManager()).thenReturn(credentials);
    kept();
    when(provider.getEditMode()).thenReturn(EditMode.WRITABLE);
    when(provider.getLdapIdentityStore()).thenReturn(store);
    return new PasswordOnlyMapper(new ComponentModel(), provider);
  }

  private static PasswordCredentialModel hashOf(String password, long moment) {
    PasswordCredentialModel made =
        PasswordCredentialModel.createFromValues("plain", new byte[0], 1, password);
    made.setId(password);
    made.setCreatedDate(moment);
    return made;
  }

  /** What was set before, the oldest first. */
  private void kept(String... passwords) {
    when(credentials.getStoredCredentialsByTypeStream("password-history"))
        .thenAnswer(
            call ->
                IntStream.range(0, passwords.length)
                    .mapToObj(place -> (CredentialModel) hashOf(passwords[place], place)));
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
    mapper.passwordUpdated(stored, entry, UserCredentialModel.password("new"));
    assertEquals("-1", entry.getAttributeAsString("pwdLastSet"));
    assertEquals("514", entry.getAttributeAsString(STATE));
    verify(store).update(entry);
  }

  @ParameterizedTest
  @CsvSource({"-1, 1", "0, 1", "4, 4"})
  void asManyAreRefusedAsThePolicySaysAndThePresentOneInAnyCase(int asked, int refused) {
    when(policy.getExpiredPasswords()).thenReturn(asked);
    kept("first", "second", "third", "fourth", "fifth");
    Stream<String> newestFirst = Stream.of("fifth", "fourth", "third", "second", "first");
    newestFirst.limit(refused).forEach(this::assertRefused);
    mapper.beforePasswordUpdate(stored, entry("512"), UserCredentialModel.password("first"));
    mapper.beforePasswordUpdate(stored, entry("512"), UserCredentialModel.password("new"));
  }

  private void assertRefused(String password) {
    UserCredentialModel given = UserCredentialModel.password(password);
    ModelException refusal =
        assertThrows(
            ModelException.class,
            () -> mapper.beforePasswordUpdate(stored, entry("512"), given),
            password);
    assertEquals("invalidPasswordHistoryMessage", refusal.getMessage());
  }

  @Test
  void aNewPasswordIsKeptAsAHashAndTheOldestGoes() {
    when(policy.getExpiredPasswords()).thenReturn(2);
    kept("first", "second");
    mapper.passwordUpdated(stored, entry("512"), UserCredentialModel.password("new"));
    verify(credentials).removeStoredCredentialById("first");
    verify(credentials, never()).removeStoredCredentialById("second");
    verify(credentials)
        .createStoredCredential(argThat(kept -> kept.getType().equals("password-history")));
  }

  @Test
  void whoComesSecondWaitsBeforeHeLooksAtWhatIsKept() {
    mapper.beforePasswordUpdate(stored, entry("512"), UserCredentialModel.password("new"));
    InOrder order = inOrder(row, credentials);
    order.verify(row).setParameter("id", "wang");
    order.verify(row).setLockMode(LockModeType.PESSIMISTIC_WRITE);
    order.verify(row).getResultList();
    order.verify(credentials).getStoredCredentialsByTypeStream("password-history");
  }

  @ParameterizedTest
  @CsvSource({"Tiger-2026, Ｔｉｇｅｒ－２０２６", "Ｔｉｇｅｒ－２０２６, Tiger-2026", "e\u0301té, ét\u00e9"})
  void theSameLettersInAnotherWidthAreTheSamePassword(String before, String now) {
    mapper.passwordUpdated(stored, entry("512"), UserCredentialModel.password(before));
    ArgumentCaptor<CredentialModel> made = ArgumentCaptor.forClass(CredentialModel.class);
    verify(credentials).createStoredCredential(made.capture());
    made.getValue().setCreatedDate(0L);
    when(credentials.getStoredCredentialsByTypeStream("password-history"))
        .thenAnswer(call -> Stream.of(made.getValue()));
    assertRefused(now);
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
