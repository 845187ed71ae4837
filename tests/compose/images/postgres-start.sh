#!/bin/bash
# What docker-compose.yml asks of the official image's entrypoint: a new data folder, and the scripts that fill it once.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	mkdir -p "$PGDATA"
	# shellcheck disable=SC2086 - several options
	initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS > /dev/null
	echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
	pg_ctl --wait --options="-c listen_addresses=" start
	PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
	export PGPASSWORD
	for script in /docker-entrypoint-initdb.d/*; do
		bash "$script"
	done
	unset PGPASSWORD
	pg_ctl --wait stop
fi
exec "$@" -c "listen_addresses=*"
