package tw.hufu.keycloak.claims;

import java.util.ArrayList;
import java.util.List;
import org.keycloak.protocol.oidc.mappers.AbstractOIDCProtocolMapper;
import org.keycloak.protocol.oidc.mappers.OIDCAttributeMapperHelper;
import org.keycloak.provider.ProviderConfigProperty;

/** What our mappers share: there is nothing to set but which tokens they write into. */
abstract class TokenMapper extends AbstractOIDCProtocolMapper {

  private final String id;
  private final String displayType;
  private final String helpText;

  TokenMapper(String id, String displayType, String helpText) {
    this.id = id;
    this.displayType = displayType;
    this.helpText = helpText;
  }

  @Override
  public String getId() {
    return id;
  }

  @Override
  public String getDisplayType() {
    return displayType;
  }

  @Override
  public String getDisplayCategory() {
    return TOKEN_MAPPER_CATEGORY;
  }

  @Override
  public String getHelpText() {
    return helpText;
  }

  @Override
  public List<ProviderConfigProperty> getConfigProperties() {
    List<ProviderConfigProperty> properties = new ArrayList<>();
    OIDCAttributeMapperHelper.addIncludeInTokensConfig(properties, getClass());
    return properties;
  }
}
