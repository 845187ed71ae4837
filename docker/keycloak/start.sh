#!/bin/bash
# Keycloak reads no password from a file: they become variables of this one process here.
set -eu
for name in KC_DB_PASSWORD KC_BOOTSTRAP_ADMIN_PASSWORD; do
	file="${name}_FILE"
	export "$name=$(cat "${!file}")"
	unset "$file"
done
exec /opt/keycloak/bin/kc.sh start --optimized "$@"
