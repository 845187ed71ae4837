"""Every door of the realm that may be open. Who opens one more says so here, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from hufu_realm.server import Server
from tests.kit.realms import INTEGRATOR, PASSWORD, TIMEOUT, Person, RealmOver, ScratchRealm

GRANTS = {
    "standardFlowEnabled": "code",
    "implicitFlowEnabled": "implicit",
    "directAccessGrantsEnabled": "password",
    "serviceAccountsEnabled": "client_credentials",
    "publicClient": "without a secret",
}
GRANTS_BY_ATTRIBUTE = {
    "oauth2.device.authorization.grant.enabled": "device",
    "oidc.ciba.grant.enabled": "ciba",
    "standard.token.exchange.enabled": "token_exchange",
    "oauth2.jwt.authorization.grant.enabled": "jwt_bearer",
}
# Clients that Keycloak brings: off, or (realm-management) nothing but a name for roles.
CLOSED = {"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
OFF_AT_THE_SERVER = {
    "ACCOUNT_V3", "ACCOUNT_API", "ADMIN_FINE_GRAINED_AUTHZ_V2", "AUTHORIZATION", "CIBA", "DEVICE_FLOW",
    "IMPERSONATION", "JWT_AUTHORIZATION_GRANT", "TOKEN_EXCHANGE_STANDARD_V2",
}  # fmt: skip


@pytest.fixture(scope="module")
def realm(realm_over: RealmOver) -> ScratchRealm:
    return realm_over("none")


@pytest.fixture
def person(realm: ScratchRealm) -> Person:
    return realm.activated_person()


def doors_of(client: dict[str, Any]) -> set[str]:
    """By which grants it gets tokens, and the addresses to which codes go."""
    attributes = client.get("attributes", {})
    grants = {door for field, door in GRANTS.items() if client.get(field)}
    grants |= {door for field, door in GRANTS_BY_ATTRIBUTE.items() if attributes.get(field) == "true"}
    return grants | set(client["redirectUris"]) if "code" in grants else grants


def open_doors(server: Server) -> dict[str, set[str]]:
    clients = server.get("/clients", max="100")
    return {one["clientId"]: doors_of(one) for one in clients if one["enabled"] and not one["bearerOnly"]}


@contextmanager
def changed(server: Server, path: str, **fields: Any) -> Iterator[None]:
    before = server.get(path)
    server.put(path, before | fields)
    try:
        yield
    finally:
        server.put(path, before)


def test_these_clients_get_tokens_by_these_grants_and_no_other(realm: ScratchRealm) -> None:
    values = realm.variables
    console, sample = values["HUFU_CONSOLE_URL"], values["HUFU_SAMPLE_URL"]
    ports = range(int(values["HUFU_INTEGRATOR_FIRST_PORT"]), int(values["HUFU_INTEGRATOR_FIRST_PORT"]) + 10)
    found = open_doors(realm.server())
    # Keycloak makes it for pages of its own that no application began; it knows no address to which a code would go.
    assert found.pop("_system", {"code"}) == {"code"}
    assert found == {
        "hufu-console": {"code", f"{console}/sign-in/callback", f"{console}/", f"{console}/welcome"},
        "hufu-sync": {"client_credentials"},
        "hufu-links": {"without a secret"},
        "sample-application": {"code", f"{sample}/callback"},
        INTEGRATOR: {"code"} | {f"http://{host}:{port}/*" for port in ports for host in ("localhost", "127.0.0.1")},
    }
    assert {one["clientId"] for one in realm.server().get("/clients")} - open_doors(realm.server()).keys() == CLOSED


def test_the_realm_as_a_whole_lets_nobody_in_by_another_way(realm: ScratchRealm) -> None:
    whole = realm.server().get("")
    assert not whole["registrationAllowed"]
    assert not whole["rememberMe"]
    assert not whole["loginWithEmailAllowed"]
    assert not whole["organizationsEnabled"]
    assert whole["revokeRefreshToken"]
    assert whole["refreshTokenMaxReuse"] == 0
    assert whole["directGrantFlow"] == "hufu direct grant"
    assert whole.get("identityProviders", []) == []
    actions = realm.server().get("/authentication/required-actions")
    assert {one["alias"] for one in actions if one["enabled"]} == {
        "CONFIGURE_TOTP",
        "HUFU_RESET_OTP",
        "UPDATE_PASSWORD",
        "hufu-client-name",
        "hufu-online-only",
        "update_user_locale",
    }


def test_discovery_lists_what_is_given_and_nothing_else(realm: ScratchRealm) -> None:
    found = requests.get(f"{realm.issuer}/.well-known/openid-configuration", timeout=TIMEOUT).json()
    assert found["grant_types_supported"] == ["authorization_code", "client_credentials", "refresh_token"]
    assert found["response_types_supported"] == ["code"]
    assert set(found["scopes_supported"]) == {"openid", "profile", "email", "groups"}
    assert set(found["claims_supported"]) == {
        "iss", "sub", "aud", "exp", "iat", "sid", "acr", "amr", "auth_time", "account_id", "preferred_username", "name",
        "email", "title", "unit_name", "unit_oid", "groups", "agency_oid", "agency_name", "agency_code",
    }  # fmt: skip
    assert found["acr_values_supported"] == ["2"]
    assert {name for name in found if name.endswith("_endpoint")} == {
        "authorization_endpoint", "token_endpoint", "introspection_endpoint", "userinfo_endpoint",
        "end_session_endpoint", "revocation_endpoint", "pushed_authorization_request_endpoint",
    }  # fmt: skip


def guess_of(person: Person) -> dict[str, str]:
    assert person.otp
    code = person.otp.code()
    return {
        "grant_type": "password", "username": person.name, "password": PASSWORD, "totp": code, "scope": "openid",
    }  # fmt: skip


def test_a_password_and_its_code_are_for_our_page_alone(realm: ScratchRealm) -> None:
    """Not even where somebody allows a client the password grant."""
    server = realm.server()
    (client,) = server.get("/clients", clientId=INTEGRATOR)
    assert realm.token(**guess_of(realm.activated_person()))["error"] == "unauthorized_client"
    asking = [{"client_id": name} for name in ("admin-cli", "account-console", "security-admin-console")]
    asking.append({"client_id": INTEGRATOR, "client_secret": client["secret"]})
    with changed(server, f"/clients/{client['id']}", directAccessGrantsEnabled=True):
        for form in asking:
            address = f"{realm.issuer}/protocol/openid-connect/token"
            answer = requests.post(address, data=form | guess_of(realm.activated_person()), timeout=TIMEOUT)
            assert answer.status_code in {400, 401}
            assert "access_token" not in answer.text


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_no_code_goes_to_a_client_that_keycloak_brings(realm: ScratchRealm, name: str) -> None:
    for redirect in (f"{realm.issuer}/account", f"{realm.stack.profile.url('keycloak')}/admin/{realm.name}/console/"):
        page = requests.get(
            realm.sign_in_address(client_id=name, redirect_uri=redirect), timeout=TIMEOUT, allow_redirects=False
        )
        assert page.status_code in {400, 403}
        assert 'name="password"' not in page.text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("protocol/openid-connect/auth/device", {}),
        ("protocol/openid-connect/ext/ciba/auth", {"scope": "openid", "login_hint": "somebody"}),
        ("protocol/openid-connect/token", {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}),
        ("protocol/openid-connect/token", {"grant_type": "urn:openid:params:grant-type:ciba"}),
        ("protocol/openid-connect/token", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}),
        ("protocol/openid-connect/token", {"grant_type": "urn:ietf:params:oauth:grant-type:uma-ticket"}),
        ("protocol/openid-connect/token", {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}),
        ("protocol/openid-connect/token", {"grant_type": "client_credentials"}),
    ],
    ids=lambda value: value if isinstance(value, str) else value.get("grant_type", "").rpartition(":")[2],
)
def test_a_client_gets_nothing_by_another_grant(realm: ScratchRealm, path: str, form: dict[str, str]) -> None:
    secret = Path(realm.variables["HUFU_INTEGRATOR_CLIENT_SECRET_FILE"]).read_text().strip()
    data = {"client_id": INTEGRATOR, "client_secret": secret} | form
    answer = requests.post(f"{realm.issuer}/{path}", data=data, timeout=TIMEOUT)
    assert answer.status_code in {204, 400, 401, 403, 404}, answer.text
    assert not {"access_token", "device_code", "auth_req_id"} & set(answer.text.split('"'))


@pytest.mark.parametrize("response_type", ["token", "id_token token", "code token"])
def test_the_implicit_flow_is_off(realm: ScratchRealm, response_type: str) -> None:
    address = realm.sign_in_address(response_type=response_type, nonce="n")
    answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
    assert answer.status_code == 302
    assert "error=" in answer.headers["Location"]


def test_keycloaks_own_pages_and_apis_for_people_are_closed(realm: ScratchRealm, person: Person) -> None:
    token = person.tokens()["access_token"]
    for path in ("account", "account/credentials", "account/v1/credentials", "account/linked-accounts"):
        for headers in ({}, {"Accept": "application/json", "Authorization": f"Bearer {token}"}):
            answer = requests.get(f"{realm.issuer}/{path}", headers=headers, timeout=TIMEOUT)
            assert answer.status_code in {401, 403, 404}, (path, answer.status_code)
    base = realm.issuer.replace("/realms/", "/admin/realms/")
    for path in ("", "/users", "/clients", "/events"):
        answer = requests.get(f"{base}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT)
        assert answer.status_code in {401, 403}, path
    for kind in ("openid-connect", "default"):
        address = f"{realm.issuer}/clients-registrations/{kind}"
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            body = {"redirect_uris": ["http://localhost/x"], "clientId": "made-by-anybody"}
            answer = requests.post(address, json=body, headers=headers, timeout=TIMEOUT)
            assert answer.status_code in {400, 401, 403}, answer.text
    assert not realm.server().get("/clients", clientId="made-by-anybody")


def test_a_lost_phone_is_replaced_by_a_mailed_link_alone(realm: ScratchRealm, person: Person) -> None:
    assert person.landed(kc_action="HUFU_RESET_OTP")["kc_action_status"] == "error"


def test_a_refresh_token_is_good_once(realm: ScratchRealm, person: Person) -> None:
    first = person.tokens()["refresh_token"]
    second = realm.token(grant_type="refresh_token", refresh_token=first)["refresh_token"]
    for used in (first, second):  # who shows a used one has stolen it, or was stolen from: both end
        assert realm.token(grant_type="refresh_token", refresh_token=used)["error"] == "invalid_grant"


def test_what_nobody_needs_is_off_at_the_server(realm: ScratchRealm) -> None:
    features = realm.server()._connection.raw_get("admin/serverinfo").json()["features"]
    assert {one["name"] for one in features if not one["enabled"]} >= OFF_AT_THE_SERVER
