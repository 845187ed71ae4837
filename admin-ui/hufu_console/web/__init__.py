"""What every page stands in: session, language, security headers, errors, limits, logs, drafts."""
