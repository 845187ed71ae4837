<#import "template.ftl" as layout>
<@layout.registrationLayout displayMessage=false; section>
    <#if section = "header">
        ${msg("errorTitle")}
    <#elseif section = "form">
        <div id="kc-error-message">
            <p class="instruction">${kcSanitize(message.summary)?no_esc}</p>
            <#if traceId??>
                <p class="instruction" id="traceId">${msg("traceIdSupportMessage", traceId)}</p>
            </#if>
            <#if message.summary == msg("differentUserAuthenticated")>
                <p class="hufu-act"><a id="hufu-sign-out" class="hufu-button" href="../protocol/openid-connect/logout">${msg("hufuSignOutAndBack")}</a></p>
                <script>
                    const back = new URLSearchParams({client_id: "hufu-links", post_logout_redirect_uri: location.href});
                    document.getElementById("hufu-sign-out").href += "?" + back;
                </script>
            <#elseif !(skipLink??) && (client.baseUrl)?has_content>
                <p class="hufu-act"><a id="backToApplication" class="hufu-button" href="${client.baseUrl}">${msg("backToApplication")}</a></p>
            </#if>
            <#-- Nobody who is activated, or disabled, gets another one. -->
            <#if msg("hufuResendUrl") != "hufuResendUrl" && ![msg("hufuAlreadyActivated"), msg("hufuActivationDisabled"), msg("accountDisabledMessage"), msg("differentUserAuthenticated")]?seq_contains(message.summary)>
                <p class="hufu-quiet">${msg("hufuResendHint")}
                    <a id="hufu-resend" href="${msg("hufuResendUrl")}">${msg("hufuResendLink")}</a></p>
            </#if>
        </div>
    </#if>
</@layout.registrationLayout>
