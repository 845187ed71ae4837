#!/bin/bash
# Asks Keycloak's management port whether it is ready; the image has no other HTTP client.
set -eu
exec 3<>/dev/tcp/127.0.0.1/9000
printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r status <&3
[[ $status == *" 200 "* ]]
