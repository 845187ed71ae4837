package tw.hufu.keycloak.common;

import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import org.keycloak.connections.jpa.JpaConnectionProvider;
import org.keycloak.models.KeycloakSession;
import org.keycloak.models.RealmModel;
import org.keycloak.models.UserModel;
import org.keycloak.models.cache.UserCache;

/** Somebody's account as it is now, which others may be changing. */
public final class Account {

  private Account() {}

  /** The user as the directory has him now, not as he was remembered. */
  public static UserModel fresh(KeycloakSession session, RealmModel realm, String userId) {
    UserCache cache = session.getProvider(UserCache.class);
    if (cache != null) {
      UserModel remembered = cache.getUserById(realm, userId);
      if (remembered != null) {
        cache.evict(realm, remembered);
      }
    }
    return session.users().getUserById(realm, userId);
  }

  /**
   * Of two that change the credentials of one account at once, the second waits until the first is
   * kept or forgotten, on whatever node it runs, and sees then what the first one did.
   */
  public static void oneAtATime(KeycloakSession session, UserModel user) {
    EntityManager database = session.getProvider(JpaConnectionProvider.class).getEntityManager();
    // What was changed so far must not be lost by reading anew.
    database.flush();
    database
        .createQuery("select u from UserEntity u where u.id = :id", Object.class)
        .setParameter("id", user.getId())
        .setLockMode(LockModeType.PESSIMISTIC_WRITE)
        .getResultList()
        .forEach(database::refresh);
  }
}
