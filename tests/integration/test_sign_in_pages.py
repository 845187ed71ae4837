"""What people type and change on Keycloak's pages, on the real server, with a directory and without."""

from __future__ import annotations

import time

import pytest
import requests

from hufu_stack import person as pages
from tests.kit.realms import ACTIVATION, PASSWORD, Person, RealmOver, ScratchRealm, begun, forgot_password, link_in

OTHER_PASSWORD = "Another-Tally-2027!"


@pytest.fixture(scope="module", params=["ad", "none"])
def realm(realm_over: RealmOver, request: pytest.FixtureRequest) -> ScratchRealm:
    return realm_over(request.param)


@pytest.mark.parametrize("shown", ["{0} {1}", "{0}-{1}", "\u3000{0}\u2013{1}"])
def test_a_code_is_taken_as_the_app_shows_it(realm: ScratchRealm, shown: str) -> None:
    """In groups, with dashes, full width: at set-up, at sign-in, and each once."""
    wide = str.maketrans("0123456789", "０１２３４５６７８９")

    class App(pages.Authenticator):
        def code(self) -> str:
            digits = super().code()
            return shown.format(digits[:3], digits[3:]).translate(wide if "\u3000" in shown else {})

    person = realm.person()
    session = pages.new_session()
    page = begun(link_in(person.send(ACTIVATION)), session)
    secret = pages.secret_of(page)
    typed = App(secret)
    page = pages.submit(session, page, {"totp": typed.code(), "userLabel": ""}, holding="totpSecret")
    fields = {"password-new": PASSWORD, "password-confirm": PASSWORD}
    pages.submit(session, page, fields, holding="password-new")
    used = typed.code()
    assert asks_again(person, used) is False
    assert asks_again(person, f" {used} ") is True, "each is good once, however it is written"


def asks_again(person: Person, code: str) -> bool:
    """Whether the sign-in page wants another code than this."""
    session = pages.new_session()
    page = session.get(person.realm.sign_in_address())
    page = pages.submit(session, page, {"username": person.name, "password": PASSWORD}, holding="password")
    try:
        return 'name="otp"' in pages.submit(session, page, {"otp": code}, holding="otp").text
    except requests.ConnectionError:  # nobody listens where the code goes
        return False


def test_a_name_is_taken_in_full_width(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    plain = person.name
    person.name = plain.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}) + "\u3000"
    assert person.landed()["code"]
    caught = len(person.mails())
    forgot_password(person)
    deadline = time.monotonic() + 10
    while len(person.mails()) == caught and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(person.mails()) == caught + 1
    assert plain in person.mailbox


def landing_of(session: requests.Session, page: requests.Response, fields: dict[str, str], holding: str) -> str:
    """Where the answer to a page's form leads, at which nobody listens."""
    with pytest.raises(requests.ConnectionError) as nobody:
        pages.submit(session, page, fields, holding=holding)
    request = nobody.value.request
    assert request is not None
    return str(request.url)


def signed_in_at(person: Person, session: requests.Session, **asked: str) -> requests.Response:
    """The page that comes after a sign-in with kc_action."""
    assert person.otp
    page = session.get(person.realm.sign_in_address(**asked))
    return pages.go_on(session, page, person.name, PASSWORD, person.otp)


def test_a_new_one_time_password_replaces_the_former_once_it_stands(realm: ScratchRealm) -> None:
    """As 我的帳號 asks for it (kc_action), for a new phone; no name of a device is demanded."""
    person = realm.person()
    person.activate()
    former = person.otp
    assert former
    session = pages.new_session()
    page = signed_in_at(person, session, kc_action="CONFIGURE_TOTP")
    landed = landing_of(session, page, {"cancel-aia": "true"}, "totpSecret")
    assert "kc_action_status=cancelled" in landed
    assert "code=" in landed
    assert person.landed()["code"], "the former is still good"
    session = pages.new_session()
    page = signed_in_at(person, session, kc_action="CONFIGURE_TOTP")
    fresh = pages.Authenticator(pages.secret_of(page))
    landed = landing_of(session, page, {"totp": fresh.code(), "userLabel": ""}, "totpSecret")
    assert "kc_action_status=success" in landed
    server = realm.server()
    assert len([one for one in server.get(f"/users/{person.id}/credentials") if one["type"] == "otp"]) == 1
    assert asks_again(person, former.code()) is True
    person.otp = fresh
    assert person.landed()["code"]


def test_a_password_is_changed_where_one_is_signed_in(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    session = pages.new_session()
    page = signed_in_at(person, session, kc_action="UPDATE_PASSWORD")
    landed = landing_of(session, page, {"cancel-aia": "true"}, "password-new")
    assert "kc_action_status=cancelled" in landed
    page = session.get(realm.sign_in_address(kc_action="UPDATE_PASSWORD"))
    fields = {"password-new": OTHER_PASSWORD, "password-confirm": OTHER_PASSWORD}
    assert "kc_action_status=success" in landing_of(session, page, fields, "password-new")


def test_a_link_opened_where_somebody_else_is_signed_in_leads_out_and_back(realm: ScratchRealm) -> None:
    other, person = realm.person(), realm.person()
    other.activate()
    session = pages.new_session()
    with pytest.raises(requests.ConnectionError):
        signed_in_at(other, session)
    link = link_in(person.send(ACTIVATION))
    page = session.get(link)
    assert page.status_code == 400
    assert "以另一個帳號登入" in page.text
    assert "hufu-resend" not in page.text
    out = f"{realm.issuer}/protocol/openid-connect/logout"
    page = session.get(out, params={"client_id": "hufu-links", "post_logout_redirect_uri": link})
    page = pages.submit(session, page, {"confirmLogout": "yes"})
    assert page.url == link
    assert "hufu-button" in page.text
    elsewhere = {"client_id": "hufu-links", "post_logout_redirect_uri": "http://evil.example/"}
    assert session.get(out, params=elsewhere).status_code == 400
