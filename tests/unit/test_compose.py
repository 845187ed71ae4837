"""docker-compose.yml against the Compose specification, against what stack/ runs, and against our rules for it."""

import copy
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hufu_registry.settings import SETTINGS
from hufu_stack import keycloak
from hufu_stack.environment import environment
from hufu_stack.layout import PROFILES, PROJECT
from hufu_stack.ours import Clock, Console, Exports, Relay, Worker

Compose = dict[str, Any]

DOCKER = PROJECT / "docker"
DEMO = PROFILES["demo"]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}")
SECRET_PATH = re.compile(r"/run/secrets/([\w-]+)")

# Service in Docker -> name of its environment in the stack.
OURS = {
    "console": "console",
    "exports": "exports",
    "worker": "worker",
    "relay": "relay",
    "scheduler": "scheduler",
    "schema": "registry",
    "realm": "realm",
}
ONE_OFF = {"schema", "realm"}
DEVELOPMENT = {"directory", "mail"}
# Where the two differ on purpose, and why.
# The stack's mail catcher speaks plain SMTP and asks for nobody.
REAL_MAIL = {"HUFU_SMTP_STARTTLS", "HUFU_SMTP_TLS", "HUFU_SMTP_USER", "HUFU_SMTP_PASSWORD_FILE"}
# The stack goes by the usual rules; an agency may set its own.
RULES = {f"HUFU_{key.upper()}" for key in SETTINGS}
ONLY_IN_DOCKER = {
    "schema": RULES,
    "console": RULES,
    "exports": RULES,
    "worker": RULES | REAL_MAIL,
    "relay": RULES | REAL_MAIL,
    "scheduler": RULES | REAL_MAIL,
    "realm": REAL_MAIL,
}
ONLY_IN_THE_STACK = {  # the sample application and the client for any OIDC software belong to demo and tests
    "realm": {
        "HUFU_SAMPLE_URL",
        "HUFU_SAMPLE_CLIENT_SECRET_FILE",
        "HUFU_INTEGRATOR_CLIENT_SECRET_FILE",
        "HUFU_INTEGRATOR_FIRST_PORT",
    },
    "console": {"FLASK_RUN_PORT"},  # for `make console`
}
SAME_VALUE = {
    "HUFU_DIRECTORY",
    "HUFU_KEYCLOAK_ADMIN",
    "HUFU_KEYCLOAK_CLIENT_ID",
    "HUFU_LDAP_BASE_DN",
    "HUFU_LDAP_BIND_DN",
    "HUFU_LDAP_KEYCLOAK_BIND_DN",
    "HUFU_MAIL_FROM",
    "HUFU_OIDC_CLIENT_ID",
    "HUFU_REALM",
    "HUFU_TRUSTED_PROXIES",
}
# The stack's Keycloak listens on loopback ports of its own; the one in Docker stands behind a proxy.
# A container has its own file system; here several servers share one build.
KEYCLOAK_ONLY_IN_THE_STACK = {"http-host", "http-port", "http-management-port", "-Dkc.home.dir"}
KEYCLOAK_ONLY_IN_DOCKER = {"proxy-headers"}
KEYCLOAK_SAME_VALUE = {"cache", "db-username", "http-enabled", "log-level"}


def settings(name: str) -> dict[str, str]:
    lines = (DOCKER / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    """The value as Docker reads it, with ${NAME}, ${NAME:-default} and ${NAME:?complaint} filled in."""
    if isinstance(value, dict):
        return {key: interpolated(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [interpolated(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        found = variables.get(match["name"])
        if not found and match["sign"] != "-":
            raise KeyError(f"{match['name']} is not set")
        return found or match["rest"]

    return VARIABLE.sub(fill, value)


def load() -> Compose:
    raw = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    return interpolated(raw, settings("development.env"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def compose() -> Compose:
    return load()


def text_of(service: Compose) -> str:
    return json.dumps({key: inner for key, inner in service.items() if key != "secrets"})


def rule_faults(compose: Compose) -> Iterator[str]:
    """What is not set is what the code has by itself."""
    for name, given in compose["services"]["console"]["environment"].items():
        if name in RULES and given:
            yield f"{name} is {given}, whatever the code has"


def schema_faults(compose: Compose) -> Iterator[str]:
    schema = json.loads((DOCKER / "schema" / "compose-spec.json").read_text())
    for error in jsonschema.Draft7Validator(schema).iter_errors(compose):
        yield f"{'/'.join(map(str, error.path))}: {error.message}"


def variable_faults(compose: Compose) -> Iterator[str]:
    for name, server in OURS.items():
        given = {
            key: value for key, value in compose["services"][name]["environment"].items() if key.startswith("HUFU_")
        }
        wanted = environment(DEMO, server)
        expected = (set(wanted) | ONLY_IN_DOCKER.get(name, set())) - ONLY_IN_THE_STACK.get(name, set())
        yield from (f"{name}: {key} is only on one side" for key in sorted(expected ^ set(given)))
        for key in sorted(set(given) & set(wanted)):
            here, there = given[key], wanted[key]
            if key in SAME_VALUE and here != there:
                yield f"{name}: {key} is {here}, in the stack {there}"
            if key.endswith("_FILE") and key != "HUFU_LDAP_CA_FILE" and here != f"/run/secrets/{Path(there).name}":
                yield f"{name}: {key} is {here}, in the stack the secret {Path(there).name}"


def command_faults(compose: Compose) -> Iterator[str]:
    for process in (Console, Exports, Worker, Relay, Clock):
        program, *options = process(DEMO).command()
        expected = [Path(program).name, *(option for option in options if not option.startswith("--bind="))]
        given = [option for option in compose["services"][process.name]["command"] if not option.startswith("--bind=")]
        if given != expected:
            yield f"{process.name}: runs {given}, in the stack {expected}"


def keycloak_options(home: Path) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keycloak, "ensure_build", lambda _log: home)
        command = keycloak.Keycloak(DEMO).command()
    pairs = [option.removeprefix("--").split("=", 1) for option in command if "=" in option]
    return dict(pairs)


def keycloak_faults(compose: Compose) -> Iterator[str]:
    wanted = keycloak_options(Path("/anywhere"))
    secrets = ("KC_DB_PASSWORD_FILE", "KC_BOOTSTRAP_ADMIN_USERNAME", "KC_BOOTSTRAP_ADMIN_PASSWORD_FILE")
    variables = compose["services"]["keycloak"]["environment"]
    given = {
        key.removeprefix("KC_").lower().replace("_", "-"): value
        for key, value in variables.items()
        if key.startswith("KC_") and key not in secrets
    }
    expected = (set(wanted) | KEYCLOAK_ONLY_IN_DOCKER) - KEYCLOAK_ONLY_IN_THE_STACK
    yield from (f"keycloak: {key} is only on one side" for key in sorted(expected ^ set(given)))
    for key in sorted(KEYCLOAK_SAME_VALUE & set(given)):
        if given[key] != wanted[key]:
            yield f"keycloak: {key} is {given[key]}, in the stack {wanted[key]}"
    yield from (f"keycloak: {key} is missing" for key in secrets if key not in variables)
    if variables["KC_BOOTSTRAP_ADMIN_USERNAME"] != keycloak.ADMIN:
        yield "keycloak: another administrator than the stack's"


def port_faults(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if name != "proxy" and ("ports" in service or service.get("network_mode")):
            yield f"{name}: reached from outside past the proxy"
        if name != "proxy" and "edge" in service["networks"]:
            yield f"{name}: stands on the outer network"
    yield from (
        f"{name}: has a way out" for name in ("pages", "store") if not compose["networks"][name].get("internal")
    )


def health_faults(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if name in ONE_OFF:
            if service["restart"] != "on-failure":
                yield f"{name}: a one-off must not start again after success"
        elif "test" not in service.get("healthcheck", {}):
            yield f"{name}: no health check"
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed in ONE_OFF else "service_healthy"
            if needed not in compose["services"] or how["condition"] != wanted:
                yield f"{name}: does not wait for {needed} as it should"
            if needed in DEVELOPMENT:
                yield f"{name}: needs {needed}, which only development has"
    awaited = {needed for service in compose["services"].values() for needed in service.get("depends_on", {})}
    # `up --wait` takes an end that nobody waits for as a failure.
    yield from (f"{name}: nobody waits for its end" for name in sorted(ONE_OFF - awaited))
    for name, service in compose["services"].items():
        signs_in = "HUFU_KEYCLOAK_CLIENT_ID" in service.get("environment", {})
        if signs_in and "realm" not in service["depends_on"]:
            yield f"{name}: signs in before the realm is there"
    profiles = {name: service.get("profiles", []) for name, service in compose["services"].items()}
    wanted_profiles = {name: ["development"] if name in DEVELOPMENT else [] for name in profiles}
    if profiles != wanted_profiles:
        yield f"profiles: {profiles}"


def secret_faults(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        given = set(service.get("secrets", []))
        used = set(SECRET_PATH.findall(text_of(service)))
        yield from (f"{name}: uses the secret {secret}, which it is not given" for secret in sorted(used - given))
        if name in OURS:
            yield from (f"{name}: is given the secret {secret} for nothing" for secret in sorted(given - used))
        yield from (f"{name}: {secret} is no declared secret" for secret in sorted(given - set(compose["secrets"])))
        for key, value in service.get("environment", {}).items():
            if key.endswith("_FILE") and not SECRET_PATH.fullmatch(value):
                yield f"{name}: {key} is no secret's file"
            if re.search(r"(PASSWORD|SECRET|TOKEN|_KEY)(_|$)", key) and not key.endswith("_FILE"):
                yield f"{name}: {key} holds a secret"
            if re.search(r"://[^/@]*:[^/@]*@", value):
                yield f"{name}: {key} has a password in its address"
    for secret, source in compose["secrets"].items():
        if set(source) != {"file"} or not source["file"].startswith("./docker/secrets/"):
            yield f"{secret}: not a file in docker/secrets"


def hardening_faults(compose: Compose) -> Iterator[str]:
    for name, service in compose["services"].items():
        if "no-new-privileges:true" not in service.get("security_opt", []):
            yield f"{name}: may gain privileges"
        if service.get("privileged") or service.get("cap_add"):
            yield f"{name}: too many capabilities"
        # Samba's domain controller runs as root and writes all over its system; it is for development only.
        if name != "directory" and (not service.get("read_only") or service.get("cap_drop") != ["ALL"]):
            yield f"{name}: root file system or capabilities are open"
        if "build" in service:
            if not (PROJECT / service["build"]["dockerfile"]).is_file():
                yield f"{name}: no {service['build']['dockerfile']}"
        elif not re.fullmatch(r"[\w/-]+:[\w.-]*\d[\w.-]*", service["image"]):
            yield f"{name}: the image {service['image']} names no version"


CHECKS = (
    schema_faults,
    variable_faults,
    rule_faults,
    command_faults,
    keycloak_faults,
    port_faults,
    health_faults,
    secret_faults,
    hardening_faults,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_file_keeps_the_rules(compose: Compose, check: Callable[[Compose], Iterator[str]]) -> None:
    assert list(check(compose)) == []


def _set(*path: str, value: object) -> Callable[[Compose], None]:
    def change(compose: Compose) -> None:
        inner = compose
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return change


def _remove(*path: str) -> Callable[[Compose], None]:
    def change(compose: Compose) -> None:
        inner = compose
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]

    return change


PLANTED = {
    "unknown key": (schema_faults, _set("services", "redis", "helthcheck", value={})),
    "wrong type": (schema_faults, _set("services", "redis", "read_only", value=["yes"])),
    "variable missing": (variable_faults, _remove("services", "worker", "environment", "HUFU_AUDIT_KEY_FILE")),
    "variable too many": (variable_faults, _set("services", "scheduler", "environment", "HUFU_DEBUG", value="1")),
    "demo's client in production": (
        variable_faults,
        _set("services", "realm", "environment", "HUFU_INTEGRATOR_FIRST_PORT", value="9180"),
    ),
    "other client": (variable_faults, _set("services", "console", "environment", "HUFU_OIDC_CLIENT_ID", value="x")),
    "other secret": (
        variable_faults,
        _set("services", "relay", "environment", "HUFU_DATA_KEY_FILE", value="/run/secrets/index-key"),
    ),
    "other rule": (rule_faults, _set("services", "console", "environment", "HUFU_GUARD_MOST", value="1000")),
    "other command": (command_faults, _set("services", "worker", "command", value=["hufu-relay"])),
    "Keycloak's cache": (keycloak_faults, _set("services", "keycloak", "environment", "KC_CACHE", value="ispn")),
    "Keycloak's option": (keycloak_faults, _remove("services", "keycloak", "environment", "KC_TRUSTSTORE_PATHS")),
    "database published": (port_faults, _set("services", "postgres", "ports", value=["5432:5432"])),
    "on the outer network": (port_faults, _set("services", "console", "networks", value=["edge"])),
    "store with a way out": (port_faults, _set("networks", "store", value={})),
    "no health check": (health_faults, _remove("services", "relay", "healthcheck")),
    "one-off for ever": (health_faults, _set("services", "schema", "restart", value="unless-stopped")),
    "sign-in before the realm": (health_faults, _remove("services", "scheduler", "depends_on", "realm")),
    "needs development": (
        health_faults,
        _set("services", "worker", "depends_on", "mail", value={"condition": "service_healthy"}),
    ),
    "Samba in production": (health_faults, _remove("services", "directory", "profiles")),
    "secret in the open": (
        secret_faults,
        _set("services", "console", "environment", "HUFU_SESSION_KEY", value="for anybody"),
    ),
    "secret outside": (secret_faults, _set("secrets", "data-key", value={"environment": "DATA_KEY"})),
    "secret not given": (secret_faults, _set("services", "worker", "secrets", value=[])),
    "secret for nothing": (
        secret_faults,
        _set("services", "realm", "secrets", value=["data-key", "keycloak-admin-password"]),
    ),
    "file that is no secret": (
        secret_faults,
        _set("services", "worker", "environment", "HUFU_LDAP_CA_FILE", value="/etc/ca.pem"),
    ),
    "writable root": (hardening_faults, _set("services", "console", "read_only", value=False)),
    "privileged": (hardening_faults, _set("services", "directory", "privileged", value=True)),
    "no version": (hardening_faults, _set("services", "redis", "image", value="redis:latest")),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(compose: Compose, fault: str) -> None:
    check, plant = PLANTED[fault]
    planted = copy.deepcopy(compose)
    plant(planted)
    assert list(check(planted)) != []


def test_production_must_be_told_its_names() -> None:
    raw = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    with pytest.raises(KeyError, match="is not set"):
        interpolated(raw, {})


def test_the_image_of_keycloak_is_built_as_the_stack_builds_it() -> None:
    text = (DOCKER / "keycloak.Dockerfile").read_text()
    build = re.search(r"kc\.sh build ((?:--\S+ ?)+)", text)
    assert build
    assert tuple(build[1].split()) == keycloak.BUILD_OPTIONS
    assert keycloak.version() not in text


def test_the_image_of_ours_holds_every_package_but_the_stack() -> None:
    text = (DOCKER / "hufu.Dockerfile").read_text()
    packages = {path.parent.name for path in PROJECT.glob("*/pyproject.toml")}
    assert set(re.findall(r"^COPY (\S+) \1$", text, re.MULTILINE)) == packages - {"stack"}


def test_prepare_makes_every_secret_once(compose: Compose, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = ["sh", str(DOCKER / "prepare.sh"), "development"]
    variables = {"PATH": os.environ["PATH"], "HUFU_SECRETS": str(folder)}
    subprocess.run(command, env=variables, check=True)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    declared = {Path(source["file"]).name for source in compose["secrets"].values()}
    assert declared <= set(first)
    assert set(first) - declared == {"tls-ca-key.pem"}
    assert all(first.values())
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("tls", "directory"):
        verify = ["openssl", "verify", "-CAfile", str(folder / "tls-ca.pem"), str(folder / f"{name}-certificate.pem")]
        subprocess.run(verify, check=True, capture_output=True)
    subprocess.run(command, env=variables, check=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
