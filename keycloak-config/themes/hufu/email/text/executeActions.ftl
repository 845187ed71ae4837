<#ftl output_format="plainText">
<#assign activation = requiredActions?? && requiredActions?seq_contains("CONFIGURE_TOTP") && requiredActions?seq_contains("UPDATE_PASSWORD")>
${msg("hufuActivationGreeting", (user.attributes.display_name)!user.username)}

<#if activation>
${msg("hufuActivationIntro", user.username)}

${link}

- ${msg("hufuActivationOnce", linkExpirationFormatter(linkExpiration))}
- ${msg("hufuActivationJunk")}
- ${msg("hufuActivationExpired")} ${msg("hufuResendUrl")}
- ${msg("hufuActivationNotYou")}
<#else>
${msg("hufuActionsIntro", user.username)}
<#list requiredActions![] as action>
- ${msg("requiredAction.${action}")}
</#list>

${link}

${msg("hufuActionsOnce", linkExpirationFormatter(linkExpiration))}
</#if>

${msg("hufuMailFooter")}
