# One image for all our processes: console, exports, worker, relay, scheduler, and the commands hufu and hufu-realm.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
# Only the first of the two is kept, and has no pip.
RUN python -m venv --without-pip /opt/hufu \
    && python -m venv /opt/build
ENV PATH=/opt/build/bin:$PATH
COPY requirements/base.txt docker/build.txt ./
RUN pip --python /opt/hufu/bin/python install --quiet --require-hashes --requirement base.txt \
    && pip install --quiet --require-hashes --requirement build.txt
COPY registry registry
COPY admin-ui admin-ui
COPY sync-worker sync-worker
COPY keycloak-config keycloak-config
RUN /opt/hufu/bin/pybabel --quiet compile --directory admin-ui/hufu_console/translations \
    && pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels \
        ./registry ./admin-ui ./sync-worker ./keycloak-config \
    && pip --python /opt/hufu/bin/python install --quiet --no-deps --no-index wheels/*.whl

FROM python:3.11-slim-bookworm
# Nothing is installed in a running container.
RUN cd "$(python -c 'import pip, pathlib; print(pathlib.Path(pip.__file__).parents[1])')" \
    && rm -rf pip pip-* /usr/local/bin/pip* /usr/bin/pip*
COPY --from=build /opt/hufu /opt/hufu
COPY keycloak-config/realm /opt/hufu/realm
ENV PATH=/opt/hufu/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8 \
    HUFU_REALM_DATA=/opt/hufu/realm
USER 1000:1000
CMD ["hufu", "--help"]
