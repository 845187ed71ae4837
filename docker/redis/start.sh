#!/bin/sh
# The password goes into a file, because anybody sees the arguments of a process.
set -eu
umask 077
cat > /tmp/redis.conf <<END
bind 0.0.0.0
requirepass $(cat /run/secrets/redis-password)
dir /tmp
save ""
appendonly no
END
exec redis-server /tmp/redis.conf
