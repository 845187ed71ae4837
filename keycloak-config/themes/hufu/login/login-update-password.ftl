<#-- After Keycloak 26.7's keycloak.v2 theme (Apache-2.0); ours: the realm's rules, always; no other sessions at an activation. -->
<#import "template.ftl" as layout>
<#import "password-commons.ftl" as passwordCommons>
<#import "field.ftl" as field>
<#import "buttons.ftl" as buttons>
<#import "password-validation.ftl" as validator>
<@layout.registrationLayout displayMessage=!messagesPerField.existsError('password','password-confirm'); section>
    <#if section = "header">
        ${msg("updatePasswordTitle")}
    <#elseif section = "form">
        <form id="kc-passwd-update-form" class="${properties.kcFormClass!}" onsubmit="login.disabled = true; return true;" action="${url.loginAction}" method="post" novalidate="novalidate">
            <div id="hufu-password-rules">
                <p>${msg("hufuRulesTitle")}</p>
                <ul class="hufu-rules">
                    <#list hufuPasswordRules![] as rule>
                        <#assign words = msg("hufuRule." + rule.name, rule.value)>
                        <#if words != "hufuRule." + rule.name><li>${words}</li></#if>
                    </#list>
                </ul>
            </div>
            <@field.password name="password-new" label=msg("passwordNew") fieldName="password" autocomplete="new-password" autofocus=true />
            <@field.password name="password-confirm" label=msg("passwordConfirm") autocomplete="new-password" />

            <#if !(hufuActivation!false)>
                <div class="${properties.kcFormGroupClass!}">
                    <@passwordCommons.logoutOtherSessions/>
                </div>
            </#if>

            <@buttons.actionGroup horizontal=true>
                <@buttons.button id="kc-submit" name="login" label="doSubmit"/>
                <#if isAppInitiatedAction??>
                    <@buttons.button id="kc-cancel" label="doCancel" name="cancel-aia" type="secondary"/>
                </#if>
            </@buttons.actionGroup>
        </form>

        <@validator.templates/>
        <@validator.script field="password-new"/>
    </#if>
</@layout.registrationLayout>
