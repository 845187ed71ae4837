package tw.hufu.keycloak.activation;

import java.util.List;
import java.util.Map;
import org.keycloak.email.EmailException;
import org.keycloak.email.EmailTemplateProvider;
import org.keycloak.email.freemarker.FreeMarkerEmailTemplateProvider;
import org.keycloak.email.freemarker.FreeMarkerEmailTemplateProviderFactory;
import org.keycloak.models.Constants;
import org.keycloak.models.KeycloakSession;

/** Keycloak's mails, of which only those that activate an account say so in their subject. */
public class LinkMails extends FreeMarkerEmailTemplateProviderFactory {

  private static final int BEFORE_THE_STOCK_MAILS = 100;
  private static final String ACTIVATION = "executeActionsSubject";

  @Override
  public int order() {
    return BEFORE_THE_STOCK_MAILS;
  }

  @Override
  public EmailTemplateProvider create(KeycloakSession session) {
    return new Mails(session);
  }

  /** The subject's key for a mail about these actions. */
  static String subject(String key, Object actions) {
    if (!ACTIVATION.equals(key) || !(actions instanceof List<?> asked)) {
      return key;
    }
    List<String> names = asked.stream().map(String::valueOf).toList();
    if (ActivationLinkHandler.asksForActivation(names)) {
      return key;
    }
    return names.size() == 1 ? "hufuSubject." + names.get(0) : "hufuSubject";
  }

  private static class Mails extends FreeMarkerEmailTemplateProvider {

    Mails(KeycloakSession session) {
      super(session);
    }

    @Override
    public void send(
        String key, List<Object> subject, String body, Map<String, Object> values, String address)
        throws EmailException {
      Object actions = values.get(Constants.TEMPLATE_ATTR_REQUIRED_ACTIONS);
      super.send(subject(key, actions), subject, body, values, address);
    }
  }
}
