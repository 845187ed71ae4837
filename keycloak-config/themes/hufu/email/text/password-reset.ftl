<#ftl output_format="plainText">
${msg("hufuActivationGreeting", (user.attributes.display_name)!user.username)}

${msg("hufuResetIntro", user.username)}

${link}

${msg("hufuActionsOnce", linkExpirationFormatter(linkExpiration))}
${msg("hufuResetNotYou")}

${msg("hufuMailFooter")}
