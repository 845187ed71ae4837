#!/bin/bash
# healthy PORT PATH: asks this container's own server how it is; the images have no other HTTP client.
set -eu
exec 3<> "/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$2" >&3
read -r status <&3
[[ $status == *" 20"[04]" "* ]]
