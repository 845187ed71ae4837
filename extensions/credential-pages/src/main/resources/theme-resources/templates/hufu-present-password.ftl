<#import "template.ftl" as layout>
<#import "field.ftl" as field>
<#import "buttons.ftl" as buttons>
<@layout.registrationLayout displayMessage=false; section>
    <#if section = "header">
        ${msg("hufuPresentPasswordTitle")}
    <#elseif section = "form">
        <p class="instruction">${msg("hufuPresentPasswordIntro")}</p>
        <form id="hufu-present-password-form" class="${properties.kcFormClass!}" onsubmit="login.disabled = true; return true;" action="${url.loginAction}" method="post" novalidate="novalidate">
            <@field.password name="password" label=msg("hufuPresentPassword") autofocus=true autocomplete="current-password" />
            <@buttons.actionGroup>
                <@buttons.button id="kc-submit" name="login" label="doContinue"/>
            </@buttons.actionGroup>
        </form>
        <p class="hufu-quiet">${msg("hufuPresentPasswordForgotten")}</p>
    </#if>
</@layout.registrationLayout>
