#!/bin/bash
# Makes the base images that docker-compose.yml names out of packages, for machines that reach no image registry: Debian's
# for the most part, PostgreSQL 18 and Java 21 from newer Debian releases, Mailpit by Go. Needs root, mmdebstrap and go.
# What is there already is kept. Nobody deploys these: they are for tests/compose/test_compose.py.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

there() { docker image inspect "$1" > /dev/null 2>&1; }

packages() { # image, release, packages
	there "$1" && return
	# An archive that stands still is taken as it is. What is fetched while images are built comes through whoever this
	# machine trusts.
	mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
		--include="ca-certificates${3:+,$3}" \
		--customize-hook='copy-in /usr/local/share/ca-certificates /usr/local/share' \
		--customize-hook='chroot "$1" update-ca-certificates > /dev/null' \
		"$2" "$work/image.tar"
	docker import "$work/image.tar" "$1" > /dev/null
	rm "$work/image.tar"
	echo "$1"
}

dressed() { # image, Dockerfile
	there "$1" && return
	docker build --quiet --tag "$1" --file "$here/images/$2" "$here/images" > /dev/null
	echo "$1"
}

packages debian:bookworm-slim bookworm ""
packages python:3.11-slim-bookworm bookworm python3,python3-venv,python3-pip,python-is-python3
packages eclipse-temurin:21-jre trixie openjdk-21-jre-headless
packages maven:3.9-eclipse-temurin-21 trixie openjdk-21-jdk-headless,maven
packages base-postgres:18 forky postgresql-18
packages base-redis:7 bookworm redis-server
dressed postgres:18-bookworm postgres.Dockerfile
dressed redis:7.2-bookworm redis.Dockerfile
mailpit=$(sed -n 's/^ *image: axllent\/mailpit:\(.*\)$/\1/p' "$here/../../docker-compose.yml")
if ! there "axllent/mailpit:$mailpit"; then
	(
		cd "$work"
		go mod init mailpit
		go get "github.com/axllent/mailpit@$mailpit"
		CGO_ENABLED=0 go build -o image/mailpit github.com/axllent/mailpit
	) > /dev/null 2>&1
	tar --create --directory "$work/image" . |
		docker import --change 'ENTRYPOINT ["/mailpit"]' - "axllent/mailpit:$mailpit" > /dev/null
	echo "axllent/mailpit:$mailpit"
fi
