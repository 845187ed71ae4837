"""What other systems' software asks for by habit, of the real Keycloak."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from hufu_stack.stack import Stack
from tests.kit.logs import told_of
from tests.kit.realms import INTEGRATOR, TIMEOUT, Person, RealmOver, ScratchRealm, claims_of

# What the guides of oauth2-proxy, mozilla-django-oidc, social-auth and others have one write.
HABITS = ("profile", "email", "groups", "roles", "phone", "address", "offline_access")
ALWAYS = {
    "sub", "account_id", "preferred_username", "name", "title", "unit_name", "acr", "amr", "auth_time"
}  # fmt: skip


@pytest.fixture(scope="module")
def realm(realm_over: RealmOver) -> ScratchRealm:
    return realm_over("none")


@pytest.fixture
def person(realm: ScratchRealm) -> Person:
    """Without official mailbox, and in no agency."""
    return realm.activated_person()


def test_an_access_token_names_its_client_and_is_active_when_that_one_asks(realm: ScratchRealm, person: Person) -> None:
    tokens = person.tokens()
    audience = claims_of(tokens["access_token"])["aud"]
    assert audience == INTEGRATOR
    assert claims_of(tokens["id_token"])["aud"] == INTEGRATOR
    told = realm.ask("token/introspect", token=tokens["access_token"])
    assert told["active"]
    assert told["account_id"] == person.attributes["account_id"]
    renewed = realm.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert realm.ask("token/introspect", token=renewed["access_token"])["active"]


def test_scopes_asked_for_by_habit_add_nothing_and_are_no_error(realm: ScratchRealm, person: Person) -> None:
    plain, _ = person.sign_in()
    asked, userinfo = person.sign_in(scope=" ".join(("openid", *HABITS)))
    assert asked.keys() == plain.keys()
    assert userinfo.keys() >= ALWAYS
    assert not {"email", "phone_number", "address", "realm_access", "given_name"} & (asked.keys() | userinfo.keys())
    page = requests.get(realm.sign_in_address(scope="openid no-such"), timeout=TIMEOUT, allow_redirects=False)
    assert "error=invalid_scope" in page.headers["Location"]


def test_offline_access_gives_what_everybody_gets(realm: ScratchRealm, person: Person) -> None:
    """A refresh token that ends with the session: signing out takes it."""
    tokens = person.tokens(scope="openid offline_access")
    assert claims_of(tokens["refresh_token"])["typ"] == "Refresh"
    assert "offline_access" not in tokens["scope"]
    assert tokens["refresh_expires_in"] <= 900
    renewed = realm.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert claims_of(renewed["refresh_token"])["typ"] == "Refresh"
    server = realm.server()
    server.post(f"/users/{person.id}/logout", None)
    assert realm.token(grant_type="refresh_token", refresh_token=renewed["refresh_token"])["error"] == "invalid_grant"


@pytest.mark.parametrize("demanded", ["3", "urn:mace:incommon:iap:silver"])
def test_a_level_that_nobody_reaches_is_said_to_the_client_before_anybody_signs_in(
    realm: ScratchRealm, demanded: str
) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": demanded}}})
    address = realm.sign_in_address(claims=claims, state="st")
    answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(realm.redirect)
    said = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert said["error"] == ["unmet_authentication_requirements"]
    assert said["state"] == ["st"]


def test_the_level_that_there_is_may_be_demanded(person: Person) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "values": ["3", "2"]}}})
    assert claims_of(person.tokens(claims=claims)["id_token"])["acr"] == "2"
    assert claims_of(person.tokens(acr_values="3")["id_token"])["acr"] == "2", "what is not demanded is a wish"


@pytest.mark.parametrize("head", ["Content-Type", "Accept"])
def test_a_malformed_request_leaves_nothing_of_itself_in_a_log(stack: Stack, realm: ScratchRealm, head: str) -> None:
    address = realm.sign_in_address(login_hint="chiang@example.org")
    requests.get(address, headers={head: "@"}, timeout=TIMEOUT)
    assert told_of(stack, ["chiang"]) == []
