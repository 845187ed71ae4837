<#import "template.ftl" as layout>
<@layout.emailLayout>
<p>${msg("hufuActivationGreeting", (user.attributes.display_name)!user.username)}</p>
<p>${msg("hufuResetIntro", user.username)}</p>
<@layout.button link=link text=msg("hufuResetButton")/>
<p>${msg("hufuActionsOnce", linkExpirationFormatter(linkExpiration))}</p>
<p>${msg("hufuResetNotYou")}</p>
<p style="color:#57606a;font-size:14px">${msg("hufuPlainLink")}<br><span style="overflow-wrap:anywhere;word-break:break-all">${link}</span></p>
</@layout.emailLayout>
