FROM base-redis:7
ENTRYPOINT ["redis-server"]
