"""The environment of each of our processes, said once, so that Docker and operators can compare."""

import shlex

from hufu_stack.directory import bind_dn
from hufu_stack.keycloak import ADMIN
from hufu_stack.layout import BASE_DN, REALM, Profile

MAIL_FROM = "hufu@agency.test"


def environment(profile: Profile, server: str) -> dict[str, str]:
    """Return the variables of one process; secrets only as paths of files. `realm` is hufu-realm's."""
    parts = {
        "console": (_registry, _redis, _sign_in),
        "exports": (_registry, _redis, _sign_in),
        "worker": (_registry, _redis, _targets),
        "relay": (_registry, _redis, _targets),
        "scheduler": (_registry, _redis, _targets),
        "registry": (_registry, _redis),
        "realm": (_realm,),
        "sample": (_sample,),
    }
    if server not in parts:
        raise KeyError(f"no environment for {server}; there are {', '.join(parts)}")
    variables: dict[str, str] = {}
    for part in parts[server]:
        variables |= part(profile)
    if server == "console":
        # Where `make console` puts its own.
        variables["FLASK_RUN_PORT"] = str(profile.port("console-behind"))
    if server in {"exports", "worker", "relay", "scheduler"}:
        variables["HUFU_HEALTH_PORT"] = str(profile.port(server))
    return variables


def shell_exports(variables: dict[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _registry(profile: Profile) -> dict[str, str]:
    return {
        "HUFU_DATABASE_URL": f"postgresql+psycopg://hufu@127.0.0.1:{profile.port('postgres')}/hufu",
        "HUFU_DATABASE_PASSWORD_FILE": str(profile.secret("hufu-database-password")),
        "HUFU_DATA_KEY_FILE": str(profile.secret("data-key")),
        "HUFU_INDEX_KEY_FILE": str(profile.secret("index-key")),
        "HUFU_AUDIT_KEY_FILE": str(profile.secret("audit-key")),
        "HUFU_CONSOLE_URL": profile.url("console"),
        "HUFU_DIRECTORY": profile.directory,
    }


def _redis(profile: Profile) -> dict[str, str]:
    return {
        "HUFU_REDIS_URL": f"redis://127.0.0.1:{profile.port('redis')}/0",
        "HUFU_REDIS_PASSWORD_FILE": str(profile.secret("redis-password")),
    }


def _sign_in(profile: Profile) -> dict[str, str]:
    return {
        "HUFU_ISSUER": profile.issuer,
        "HUFU_OIDC_CLIENT_ID": "hufu-console",
        "HUFU_OIDC_CLIENT_SECRET_FILE": str(profile.secret("console-client-secret")),
        "HUFU_SESSION_KEY_FILE": str(profile.secret("session-key")),
        "HUFU_TRUSTED_PROXIES": "1",
    }


def _mail(profile: Profile) -> dict[str, str]:
    return {
        "HUFU_SMTP_HOST": "127.0.0.1",
        "HUFU_SMTP_PORT": str(profile.port("mail")),
        "HUFU_MAIL_FROM": MAIL_FROM,
    }


def _targets(profile: Profile) -> dict[str, str]:
    variables = {
        "HUFU_KEYCLOAK_URL": profile.url("keycloak"),
        "HUFU_REALM": REALM,
        "HUFU_KEYCLOAK_CLIENT_ID": "hufu-sync",
        "HUFU_KEYCLOAK_CLIENT_SECRET_FILE": str(profile.secret("sync-client-secret")),
    }
    if profile.ldap_url is not None:
        variables |= {
            "HUFU_LDAP_URL": profile.ldap_url,
            "HUFU_LDAP_CA_FILE": str(profile.certificate("ca")),
            "HUFU_LDAP_BIND_DN": bind_dn("hufu-sync"),
            "HUFU_LDAP_BIND_PASSWORD_FILE": str(profile.secret("ldap-sync-password")),
            "HUFU_LDAP_BASE_DN": BASE_DN,
        }
    return variables | _mail(profile)


def _realm(profile: Profile) -> dict[str, str]:
    variables = {
        "HUFU_KEYCLOAK_URL": profile.url("keycloak"),
        "HUFU_KEYCLOAK_ADMIN": ADMIN,
        "HUFU_KEYCLOAK_ADMIN_PASSWORD_FILE": str(profile.secret("keycloak-admin-password")),
        "HUFU_REALM": REALM,
        "HUFU_DIRECTORY": profile.directory,
        "HUFU_CONSOLE_URL": profile.url("console"),
        "HUFU_CONSOLE_CLIENT_SECRET_FILE": str(profile.secret("console-client-secret")),
        "HUFU_SYNC_CLIENT_SECRET_FILE": str(profile.secret("sync-client-secret")),
        "HUFU_SAMPLE_URL": profile.url("sample"),
        "HUFU_SAMPLE_CLIENT_SECRET_FILE": str(profile.secret("sample-client-secret")),
        "HUFU_INTEGRATOR_CLIENT_SECRET_FILE": str(profile.secret("integrator-client-secret")),
        "HUFU_INTEGRATOR_FIRST_PORT": str(profile.first_redirect_port),
    }
    if profile.ldap_url is not None:
        variables |= {
            "HUFU_LDAP_URL": profile.ldap_url,
            "HUFU_LDAP_KEYCLOAK_BIND_DN": bind_dn("hufu-keycloak"),
            "HUFU_LDAP_KEYCLOAK_PASSWORD_FILE": str(profile.secret("ldap-keycloak-password")),
            "HUFU_LDAP_BASE_DN": BASE_DN,
        }
    return variables | _mail(profile)


def _sample(profile: Profile) -> dict[str, str]:
    return {
        "SAMPLE_ISSUER": profile.issuer,
        "SAMPLE_CLIENT_ID": "sample-application",
        "SAMPLE_CLIENT_SECRET_FILE": str(profile.secret("sample-client-secret")),
        "SAMPLE_SESSION_KEY_FILE": str(profile.secret("sample-session-key")),
        "SAMPLE_URL": profile.url("sample"),
    }
