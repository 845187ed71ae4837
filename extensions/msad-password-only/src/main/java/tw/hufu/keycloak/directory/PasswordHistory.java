package tw.hufu.keycloak.directory;

import java.text.Normalizer;
import java.util.List;
import java.util.stream.Stream;
import org.keycloak.common.util.Time;
import org.keycloak.credential.CredentialModel;
import org.keycloak.credential.hash.PasswordHashProvider;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.PasswordPolicy;
import org.keycloak.models.UserModel;
import org.keycloak.models.credential.PasswordCredentialModel;

/**
 * Hashes of the passwords that somebody set here, the present one first: the directory's own cannot
 * be asked without a sign-in that counts as a wrong try.
 */
final class PasswordHistory {

  private static final int PRESENT_ONE = 1;

  private final KeycloakSession session;
  private final PasswordPolicy policy;

  PasswordHistory(KeycloakSession session) {
    this.session = session;
    this.policy = session.getContext().getRealm().getPasswordPolicy();
  }

  /** How many are kept: as many as the realm's policy says, and the present one in any case. */
  int length() {
    return Math.max(policy.getExpiredPasswords(), PRESENT_ONE);
  }

  boolean holds(UserModel user, String password) {
    String folded = folded(password);
    return of(user)
        .limit(length())
        .map(PasswordCredentialModel::createFromCredentialModel)
        .anyMatch(kept -> matches(kept, folded));
  }

  /** The directory takes letters as they are typed; in full width they are the same to people. */
  private static String folded(String password) {
    return Normalizer.normalize(password, Normalizer.Form.NFKC);
  }

  private boolean matches(PasswordCredentialModel kept, String password) {
    String algorithm = kept.getPasswordCredentialData().getAlgorithm();
    PasswordHashProvider hash = session.getProvider(PasswordHashProvider.class, algorithm);
    return hash != null && hash.verify(password, kept);
  }

  void remember(UserModel user, String password) {
    PasswordCredentialModel kept =
        hash().encodedCredential(folded(password), policy.getHashIterations());
    kept.setType(PasswordCredentialModel.PASSWORD_HISTORY);
    kept.setCreatedDate(Time.currentTimeMillis());
    List<String> tooOld = of(user).skip(length() - 1L).map(CredentialModel::getId).toList();
    tooOld.forEach(user.credentialManager()::removeStoredCredentialById);
    user.credentialManager().createStoredCredential(kept);
  }

  private PasswordHashProvider hash() {
    String algorithm = policy.getHashAlgorithm();
    PasswordHashProvider named =
        algorithm == null ? null : session.getProvider(PasswordHashProvider.class, algorithm);
    return named == null ? session.getProvider(PasswordHashProvider.class) : named;
  }

  private static Stream<CredentialModel> of(UserModel user) {
    return user.credentialManager()
        .getStoredCredentialsByTypeStream(PasswordCredentialModel.PASSWORD_HISTORY)
        .sorted(CredentialModel.comparingByStartDateDesc());
  }
}
