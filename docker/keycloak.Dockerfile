# Keycloak in production mode with our extensions and theme. Its version is named in extensions/pom.xml, only there.
FROM maven:3.9-eclipse-temurin-21 AS build
WORKDIR /build
COPY extensions extensions
RUN mvn --batch-mode --quiet --file extensions/pom.xml package -DskipTests \
    && mkdir providers \
    && find extensions -path '*/target/*.jar' -exec cp {} providers/ ';'
RUN version=$(sed -n 's:.*<keycloak.version>\(.*\)</keycloak.version>.*:\1:p' extensions/pom.xml) \
    && mvn --batch-mode --quiet --non-recursive --file extensions/pom.xml dependency:copy \
        -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" -DoutputDirectory=/build/download \
    && mkdir keycloak \
    && tar --extract --gzip --strip-components=1 --directory keycloak --file "download/keycloak-quarkus-dist-$version.tar.gz"

FROM eclipse-temurin:21-jre
COPY --from=build /build/keycloak /opt/keycloak
COPY --from=build /build/providers/ /opt/keycloak/providers/
COPY keycloak-config/themes/ /opt/keycloak/themes/
RUN /opt/keycloak/bin/kc.sh build --db=postgres --health-enabled=true --metrics-enabled=true --features-disabled=account,account-api,admin-fine-grained-authz,authorization,ciba,device-flow,impersonation,jwt-authorization-grant,token-exchange-standard \
    && mkdir -p /opt/keycloak/data \
    && chown -R 1000:1000 /opt/keycloak/data
COPY --chmod=755 docker/keycloak/start.sh /usr/local/bin/keycloak-start
COPY --chmod=755 docker/healthy.sh /usr/local/bin/healthy
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/keycloak-start"]
