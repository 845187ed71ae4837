<#import "template.ftl" as layout>
<#assign activation = requiredActions?? && requiredActions?seq_contains("CONFIGURE_TOTP") && requiredActions?seq_contains("UPDATE_PASSWORD")>
<@layout.registrationLayout displayMessage=false; section>
    <#if section = "header">
        <#if activation>
            ${msg("hufuActivationTitle")}
        <#elseif messageHeader??>
            ${kcSanitize(msg("${messageHeader}"))?no_esc}
        <#elseif requiredActions??>
            ${msg("requiredAction.${requiredActions[0]}")}
        <#elseif message.summary == msg("successLogout")>
            ${msg("hufuSignedOutTitle")}
        <#else>
            ${msg("hufuInfoTitle")}
        </#if>
    <#elseif section = "form">
        <div id="kc-info-message">
            <#if activation>
                <p class="instruction">${msg("hufuActivationIntro")}</p>
                <ol class="hufu-steps">
                    <li>${msg("hufuActivationStepOtp")}</li>
                    <li>${msg("hufuActivationStepPassword")}</li>
                </ol>
            <#elseif requiredActions??>
                <p class="instruction">${msg("confirmExecutionOfActions")}</p>
                <ol class="hufu-steps">
                    <#list requiredActions as action><li>${kcSanitize(msg("requiredAction.${action}"))?no_esc}</li></#list>
                </ol>
            <#else>
                <p class="instruction">${kcSanitize(message.summary)?no_esc}</p>
            </#if>
            <#if !(skipLink??)>
                <#if pageRedirectUri?has_content>
                    <p class="hufu-act"><a class="hufu-button" href="${pageRedirectUri}">${msg("backToApplication")}</a></p>
                <#elseif actionUri?has_content>
                    <p class="hufu-act"><a class="hufu-button" href="${actionUri}">${msg("proceedWithAction")}</a></p>
                <#elseif (client.baseUrl)?has_content>
                    <p class="hufu-act"><a class="hufu-button" href="${client.baseUrl}">${msg("backToApplication")}</a></p>
                </#if>
            </#if>
        </div>
    </#if>
</@layout.registrationLayout>
