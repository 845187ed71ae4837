#!/bin/bash
# Runs once, when the data folder is new: two databases, each with a role of its own.
set -eu
for name in hufu keycloak; do
	# By the environment, because anybody sees the arguments of a process.
	ROLE=$name PASSWORD=$(cat "/run/secrets/$name-database-password") \
		psql --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres <<-'END'
		\getenv role ROLE
		\getenv password PASSWORD
		CREATE ROLE :"role" LOGIN PASSWORD :'password';
		CREATE DATABASE :"role" OWNER :"role";
	END
done
