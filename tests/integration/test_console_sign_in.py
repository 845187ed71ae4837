"""Sessions of the console: cookies, their end from both sides, headers, errors, limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey

from hufu_console.sign_in_server import LOGOUT_EVENT, SignInServer
from hufu_console.web.viewer import COOKIE
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.sessions.use_cases import start_session
from tests.kit import accounts
from tests.kit.clocks import SetClock
from tests.kit.consoles import Willing, csrf_token, make_console, signed_in

ISSUER = "http://localhost/realms/hufu"
CLIENT = "hufu-console"


class Keys:
    """What Authlib's client knows of the server's keys."""

    def __init__(self, key: RSAKey) -> None:
        self._set = {"keys": [key.as_dict(private=False)]}
        self.fetched = 0

    def fetch_jwk_set(self, *, force: bool = False) -> dict[str, Any]:
        self.fetched += force
        return self._set


class ServerWithKeys(SignInServer):
    def __init__(self, key: RSAKey) -> None:
        super().__init__(ISSUER, CLIENT, "secret")
        self._known = Keys(key)

    @property
    def _client(self) -> Any:
        return self._known


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "one"})


@pytest.fixture
def console(services: SqlServices, tmp_path: Path, key: RSAKey) -> Flask:
    return make_console(services, tmp_path, server=ServerWithKeys(key))


@pytest.fixture
def official(services: SqlServices, chain: Sequence[Agency]) -> AccountId:
    return accounts.official(services, chain[2], "wangxm").id


def logout_token(key: RSAKey, **changes: Any) -> str:
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": int(time.time()),
        "exp": int(time.time()) + 60,
        "jti": uuid4().hex,
        "sid": "keycloak-session",
        "events": {LOGOUT_EVENT: {}},
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


def test_a_logout_at_keycloak_ends_the_session_here(
    console: Flask, services: SqlServices, official: AccountId, key: RSAKey
) -> None:
    token = uuid4().hex
    start_session(token, official, "keycloak-session", "id-token", services, SYSTEM)
    browser = console.test_client()
    browser.set_cookie(COOKIE, token)
    assert browser.get("/me").status_code == 200
    keycloak = console.test_client()
    answer = keycloak.open("/sign-in/backchannel-logout", method="POST", data={"logout_token": logout_token(key)})
    assert answer.status_code == 200
    assert browser.get("/me").status_code == 303


FOREIGN = RSAKey.generate_key(2048, parameters={"kid": "one"})


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://localhost/realms/other"},
        {"aud": "sample-application"},
        {"events": {}},
        {"events": None},
        {"sid": None},
        {"jti": None},
        {"iat": int(time.time()) - 3600},
        {"nonce": "n"},
        {"signed_by": FOREIGN},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_logout_token_that_does_not_hold_ends_nothing(
    console: Flask, services: SqlServices, official: AccountId, key: RSAKey, changes: dict[str, Any]
) -> None:
    token = uuid4().hex
    start_session(token, official, "keycloak-session", "id-token", services, SYSTEM)
    signer = changes.pop("signed_by", key)
    forged = logout_token(signer, **changes)
    answer = console.test_client().open("/sign-in/backchannel-logout", method="POST", data={"logout_token": forged})
    assert answer.status_code == 400
    browser = console.test_client()
    browser.set_cookie(COOKIE, token)
    assert browser.get("/me").status_code == 200


def test_bad_logout_tokens_do_not_have_the_keys_fetched_each(
    services: SqlServices, tmp_path: Path, key: RSAKey
) -> None:
    server = ServerWithKeys(key)
    asked = make_console(services, tmp_path, server=server).test_client()
    for token in ("", "no token", logout_token(FOREIGN), logout_token(FOREIGN)):
        answer = asked.open("/sign-in/backchannel-logout", method="POST", data={"logout_token": token})
        assert answer.status_code == 400
    assert server._known.fetched == 1


def test_a_session_ends_after_fifteen_idle_minutes(
    console: Flask, services: SqlServices, clock: SetClock, official: AccountId
) -> None:
    browser = signed_in(console, services, official)
    clock.advance(minutes=14)
    assert browser.get("/me").status_code == 200
    clock.advance(minutes=14)
    assert browser.get("/me").status_code == 200
    clock.advance(minutes=16)
    assert browser.get("/me").location == "/sign-in?next=/me"


def test_a_made_up_cookie_opens_nothing(console: Flask) -> None:
    browser = console.test_client()
    browser.set_cookie(COOKIE, uuid4().hex)
    assert browser.get("/me").status_code == 303


def test_headers_keep_strangers_out(console: Flask) -> None:
    headers = console.test_client().get("/").headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert part in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_https_is_kept_where_it_is_used(services: SqlServices, tmp_path: Path) -> None:
    secure = make_console(services, tmp_path, console_url="https://accounts.example", cookie_secure=True)
    answer = secure.test_client().get("/apply", base_url="https://accounts.example")
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    for word in ("Secure", "HttpOnly", "SameSite=Lax"):
        assert word in cookie


def test_pages_hold_no_inline_code(console: Flask, services: SqlServices, official: AccountId) -> None:
    browser = signed_in(console, services, official)
    for address in ("/", "/apply", "/follow", "/activation", "/me", "/agencies", "/privacy", "/nowhere"):
        page = browser.get(address).text
        for forbidden in (" style=", "<style", "javascript:", " onclick=", "<script>"):
            assert forbidden not in page, (address, forbidden)


@pytest.mark.parametrize(
    ("address", "method", "status"),
    [("/nowhere", "GET", 404), ("/apply/send", "GET", 405), ("/cases/not-a-case", "GET", 404)],
)
def test_error_pages_say_what_to_do_and_have_a_number(console: Flask, address: str, method: str, status: int) -> None:
    answer = console.test_client().open(address, method=method)
    assert answer.status_code == status
    assert "訊息編號" in answer.text


def test_a_fault_shows_no_details(services: SqlServices, tmp_path: Path) -> None:
    console = make_console(services, tmp_path)

    def broken() -> str:
        raise RuntimeError("secret details")

    console.view_functions["public.privacy"] = broken
    answer = console.test_client().get("/privacy")
    assert answer.status_code == 500
    assert "secret details" not in answer.text
    assert "訊息編號" in answer.text


def test_too_much_is_refused(console: Flask) -> None:
    answer = console.test_client().open("/apply", method="POST", data={"mailbox": "x" * 2_000_000})
    assert answer.status_code == 413


def test_addresses_are_limited_and_told_so(services: SqlServices, tmp_path: Path) -> None:
    limited = make_console(services, tmp_path, limits=True)
    browser = limited.test_client()
    with time_machine.travel(1_800_000_000, tick=False):
        token = {"csrf_token": csrf_token(browser)}
        statuses = [browser.post("/apply", data={"mailbox": "bad"} | token).status_code for _ in range(121)]
    assert statuses == [422] * 120 + [429]


def test_limits_go_on_while_redis_is_away(services: SqlServices, tmp_path: Path) -> None:
    limited = make_console(services, tmp_path, limits=True, redis_url="redis://127.0.0.1:1/0")
    assert limited.test_client().post("/apply", data={"mailbox": "bad"}).status_code == 422


def test_the_language_is_asked_for_and_remembered(console: Flask) -> None:
    browser = console.test_client()
    assert '<html lang="zh-Hant-TW"' in browser.get("/").text
    assert '<html lang="en"' in browser.get("/?language=en").text
    assert "Apply for a personal official account" in browser.get("/apply").text
    assert '<html lang="zh-Hant-TW"' in browser.get("/?language=zh_Hant_TW").text
    assert '<html lang="zh-Hant-TW"' in browser.get("/?language=xx").text


@pytest.mark.parametrize("foreign", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_elsewhere_after_signing_in(console: Flask, foreign: str) -> None:
    from hufu_console.sign_in.views import own_page

    with console.test_request_context("/"):
        assert own_page(foreign) == "/"
        assert own_page("/cases?state=all") == "/cases?state=all"


@pytest.fixture
def answering(services: SqlServices, tmp_path: Path, official: AccountId) -> tuple[Flask, Willing]:
    server = Willing(account_id=official, state="begun")
    return make_console(services, tmp_path, server=server), server


@pytest.mark.parametrize(
    ("address", "action", "status", "said"),
    [
        ("/me/password", "UPDATE_PASSWORD", "success", "密碼已經變更"),
        ("/me/password", "UPDATE_PASSWORD", "cancelled", "密碼沒有變更"),
        ("/me/password", "UPDATE_PASSWORD", "error", "密碼無法變更"),
        ("/me/one-time-password", "CONFIGURE_TOTP", "success", "一次性密碼已經重新設定"),
        ("/me/one-time-password", "CONFIGURE_TOTP", "cancelled", "一次性密碼沒有變更"),
        ("/me/one-time-password", "CONFIGURE_TOTP", "error", "一次性密碼無法重新設定"),
    ],
)
def test_password_and_otp_are_changed_from_my_account_and_what_became_of_it_is_said(
    answering: tuple[Flask, Willing], services: SqlServices, official: AccountId,
    address: str, action: str, status: str, said: str,
) -> None:  # fmt: skip
    app, server = answering
    browser = signed_in(app, services, official)
    assert f'href="{address}"' in browser.get("/me").text
    assert browser.get(address).location == server.address
    assert server.asked == [action]
    before = browser.get_cookie(COOKIE)
    back = browser.get(f"/sign-in/callback?state=begun&code=c&kc_action={action}&kc_action_status={status}")
    assert back.location == "/me"
    assert said in browser.get("/me").text
    assert said not in browser.get("/me").text, "once"
    other = app.test_client()
    assert before is not None
    other.set_cookie(COOKIE, before.value)
    assert other.get("/me").status_code == 303, "the former session gave way to the new one"


def test_a_status_nobody_asked_for_says_nothing(
    answering: tuple[Flask, Willing], services: SqlServices, official: AccountId
) -> None:
    browser = signed_in(answering[0], services, official)
    browser.get("/sign-in/callback?state=begun&code=c&kc_action_status=success")
    assert "已經變更" not in browser.get("/me").text


@pytest.mark.parametrize("answer", ["state=long-ago&code=c", "state=begun&error=temporarily_unavailable", "code=c"])
def test_a_bookmarked_or_expired_sign_in_page_starts_anew_and_only_once(
    answering: tuple[Flask, Willing], answer: str
) -> None:
    """The person has typed password and code already: Keycloak's session brings him in without a word."""
    app, server = answering
    browser = app.test_client()
    back = browser.get(f"/sign-in/callback?{answer}")
    assert (back.status_code, back.location) == (302, "/sign-in?next=/")
    assert browser.get(back.location).location == server.address
    assert browser.get("/sign-in/callback?state=long-ago&code=c").status_code == 400
    assert browser.get("/sign-in/callback?state=long-ago&code=c").status_code == 302, "the next bookmark again"
    assert browser.get("/sign-in/callback?state=begun&code=c").location == "/"


def test_a_part_that_is_away_is_said_so(services: SqlServices, tmp_path: Path) -> None:
    away = SignInServer("http://127.0.0.1:1/realms/hufu", CLIENT, "secret")
    console = make_console(services, tmp_path, server=away)
    answer = console.test_client().get("/sign-in")
    assert answer.status_code == 503
    assert "登入伺服器沒有回應" in answer.text


def test_while_the_database_is_away_pages_say_so(services: SqlServices, tmp_path: Path) -> None:
    engine = sa.create_engine("postgresql+psycopg://hufu@127.0.0.1:1/hufu", connect_args={"connect_timeout": 1})
    console = make_console(replace(services, engine=engine), tmp_path)
    for address in ("/healthz", "/apply/agencies?words=x"):
        answer = console.test_client().get(address)
        assert answer.status_code == 503
        assert "部分系統暫時無法使用" in answer.text
    assert console.test_client().get("/welcome").status_code == 200
