<#import "template.ftl" as layout>
<#assign activation = requiredActions?? && requiredActions?seq_contains("CONFIGURE_TOTP") && requiredActions?seq_contains("UPDATE_PASSWORD")>
<@layout.emailLayout>
<#if activation>
<p>${msg("hufuActivationGreeting", (user.attributes.display_name)!user.username)}</p>
<p>${msg("hufuActivationIntro", user.username)}</p>
<@layout.button link=link text=msg("hufuActivationButton")/>
<ul style="padding-left:1.4em">
<li>${msg("hufuActivationOnce", linkExpirationFormatter(linkExpiration))}</li>
<li>${msg("hufuActivationJunk")}</li>
<li>${msg("hufuActivationExpired")} <a href="${msg("hufuResendUrl")}" style="color:#0b57d0;overflow-wrap:anywhere">${msg("hufuResendUrl")}</a></li>
<li>${msg("hufuActivationNotYou")}</li>
</ul>
<p style="color:#57606a;font-size:14px">${msg("hufuPlainLink")}<br><span style="overflow-wrap:anywhere;word-break:break-all">${link}</span></p>
<#else>
<p>${msg("hufuActivationGreeting", (user.attributes.display_name)!user.username)}</p>
<p>${msg("hufuActionsIntro", user.username)}</p>
<ul style="padding-left:1.4em"><#list requiredActions![] as action><li>${msg("requiredAction.${action}")}</li></#list></ul>
<@layout.button link=link text=msg("hufuActionsButton")/>
<p>${msg("hufuActionsOnce", linkExpirationFormatter(linkExpiration))}</p>
<p style="color:#57606a;font-size:14px">${msg("hufuPlainLink")}<br><span style="overflow-wrap:anywhere;word-break:break-all">${link}</span></p>
</#if>
</@layout.emailLayout>
