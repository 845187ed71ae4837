# One image for all our processes: console, exports, worker, relay, scheduler, and the commands hufu and hufu-realm.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/hufu
COPY requirements/base.txt docker/build.txt ./
RUN /opt/hufu/bin/pip install --quiet --require-hashes --requirement base.txt \
    && python -m pip install --quiet --require-hashes --requirement build.txt
COPY registry registry
COPY admin-ui admin-ui
COPY sync-worker sync-worker
COPY keycloak-config keycloak-config
RUN /opt/hufu/bin/pybabel --quiet compile --directory admin-ui/hufu_console/translations \
    && python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels \
        ./registry ./admin-ui ./sync-worker ./keycloak-config \
    && /opt/hufu/bin/pip install --quiet --no-deps --no-index wheels/*.whl

FROM python:3.11-slim-bookworm
COPY --from=build /opt/hufu /opt/hufu
COPY keycloak-config/realm /opt/hufu/realm
ENV PATH=/opt/hufu/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 \
    HUFU_REALM_DATA=/opt/hufu/realm
USER 1000:1000
CMD ["hufu", "--help"]
