#!/bin/sh
# Makes the secrets that are missing in docker/secrets; what is there is kept. Needs openssl.
#
#   docker/prepare.sh                 passwords and keys; certificates and the directory's passwords are yours to put
#   docker/prepare.sh development     these, too: an authority of its own signs for the proxy and the directory
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${HUFU_SECRETS:-$here/secrets}
# The folder keeps others out; the files are readable, since a container reads them under its own user.
umask 022
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

missing() { [ ! -s "$1" ]; }

password() {
	# Letters and digits only, so that nothing needs quoting; the ends make it one of all kinds for a directory.
	missing "$1" && printf 'Hu%s4' "$(openssl rand -base64 48 | tr -dc 'A-Za-z0-9' | cut -c1-32)" > "$1" || true
}

for name in postgres-password hufu-database-password keycloak-database-password redis-password \
	keycloak-admin-password console-client-secret sync-client-secret smtp-password; do
	password "$name"
done
for name in data-key index-key audit-key session-key; do
	missing "$name" && openssl rand -base64 32 > "$name" || true
done

certificate() { # name, subjectAltName
	missing "$1-certificate.pem" || return 0
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=$1" \
		-keyout "$1-key.pem" -out "$1.request" 2> /dev/null
	chmod 644 "$1-key.pem"
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' "$2" > "$1.extensions"
	openssl x509 -req -in "$1.request" -CA tls-ca.pem -CAkey tls-ca-key.pem -days 820 -sha256 \
		-extfile "$1.extensions" -out "$1-certificate.pem" 2> /dev/null
	rm "$1.request" "$1.extensions"
}

if [ "${1:-}" = development ]; then
	. "$here/development.env"
	for name in ldap-sync-password ldap-keycloak-password ldap-reader-password; do
		password "$name"
	done
	if missing tls-ca.pem; then
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -days 3650 \
			-subj "/CN=Hufu development authority" -addext keyUsage=critical,keyCertSign,cRLSign \
			-keyout tls-ca-key.pem -out tls-ca.pem 2> /dev/null
		chmod 600 tls-ca-key.pem
	fi
	missing ldap-ca.pem && cp tls-ca.pem ldap-ca.pem || true
	certificate tls "DNS:$HUFU_CONSOLE_HOST,DNS:$HUFU_SIGN_IN_HOST,DNS:$HUFU_MAIL_HOST"
	certificate directory DNS:directory
fi
