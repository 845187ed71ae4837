# nginx with the settings that the stack has, too (docker/proxy).
FROM debian:bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        nginx libnginx-mod-stream libnginx-mod-http-headers-more-filter \
    && rm -rf /var/lib/apt/lists/*
COPY --chmod=755 docker/healthy.sh /usr/local/bin/healthy
COPY --chmod=755 docker/proxy/start.sh /usr/local/bin/proxy-start
COPY docker/proxy /etc/hufu-proxy
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/proxy-start"]
