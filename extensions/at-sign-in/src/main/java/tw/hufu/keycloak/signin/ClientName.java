package tw.hufu.keycloak.signin;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.keycloak.authentication.RequiredActionContext;
import org.keycloak.models.RealmModel;

/**
 * Writes what people call the application into the event of a sign-in, in both languages: whoever
 * reads events needs no right to see clients, with which go their secrets.
 */
public class ClientName extends AtSignIn {

  private static final Pattern KEY = Pattern.compile("\\$\\{([^}]+)}");

  public ClientName() {
    super("hufu-client-name", "Hufu: the application's name in the event");
  }

  @Override
  public void evaluateTriggers(RequiredActionContext context) {
    String name = context.getAuthenticationSession().getClient().getName();
    if (name != null && !name.isBlank()) {
      RealmModel realm = context.getRealm();
      context.getEvent().detail("client_name", in("zh-TW", name, realm));
      context.getEvent().detail("client_name_en", in("en", name, realm));
    }
  }

  private static String in(String language, String name, RealmModel realm) {
    return resolved(name, realm.getRealmLocalizationTextsByLocale(language));
  }

  /** "${key}" is the realm's text of that key; anything else is a name. */
  static String resolved(String name, Map<String, String> texts) {
    Matcher key = KEY.matcher(name);
    return key.matches() ? texts.getOrDefault(key.group(1), name) : name;
  }
}
