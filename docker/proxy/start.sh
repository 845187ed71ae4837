#!/bin/bash
# Writes the names from the environment into the configuration, and becomes nginx.
set -eu
name='^[A-Za-z0-9.-]+$'
for host in "$HUFU_CONSOLE_HOST" "$HUFU_SIGN_IN_HOST" "${HUFU_MAIL_HOST:=mail.invalid}"; do
	[[ $host =~ $name ]] || { echo "no host name: $host" >&2; exit 1; }
done
written() {
	sed -e "s/@CONSOLE_HOST@/$HUFU_CONSOLE_HOST/g" -e "s/@SIGN_IN_HOST@/$HUFU_SIGN_IN_HOST/g" \
		-e "s/@MAIL_HOST@/$HUFU_MAIL_HOST/g" "/etc/hufu-proxy/$1"
}
mkdir -p /tmp/hufu-proxy
cd /tmp/hufu-proxy
cp /etc/hufu-proxy/* .
written sites.conf > sites.conf
[ "$HUFU_MAIL_HOST" = mail.invalid ] || written mail.conf >> sites.conf
for network in ${HUFU_ADMIN_NETWORKS//,/ }; do
	echo "$network 1;"
done > administrators.conf
# What a killed nginx left behind.
rm -f ./*.sock
exec nginx -e stderr -p . -c nginx.conf
