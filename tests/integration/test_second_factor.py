"""What a person's password and one-time password go through on the real Keycloak, with a directory and without."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
import requests
from bs4 import BeautifulSoup, Tag

from hufu_stack import person as pages
from hufu_stack.environment import environment
from hufu_stack.stack import Stack
from tests.kit.realms import ACTIVATION, PASSWORD, Person, RealmOver, ScratchRealm, begun, link_in, opened

OTHER_PASSWORD = "Another-Tally-2027!"
THIRD_PASSWORD = "Third-Tally-2028!"
NEW_OTP = ["HUFU_RESET_OTP"]
RULES = {
    "zh-TW": [
        "至少 12 個字元",
        "最多 128 個字元",
        "至少 1 個數字",
        "不可包含帳號",
        "不可與目前的密碼或最近用過的 4 組相同",
    ],
    "en": [
        "at least 12 characters",
        "at most 128 characters",
        "at least 1 digit(s)",
        "not containing the account name",
        "not the present password, nor one of the last 4",
    ],
}


@pytest.fixture(scope="module", params=["ad", "none"])
def realm(realm_over: RealmOver, request: pytest.FixtureRequest) -> ScratchRealm:
    return realm_over(request.param)


def otps(person: Person) -> list[str]:
    found = person.realm.server().get(f"/users/{person.id}/credentials")
    return [one["id"] for one in found if one["type"] == "otp"]


def without_a_name(session: requests.Session, page: requests.Response) -> tuple[requests.Response, str]:
    """Set up an OTP app and leave the device's name empty, as the page says one may."""
    assert "裝置名稱可以不填" in page.text
    soup = BeautifulSoup(page.text, "html.parser")
    hidden = soup.find("input", {"name": "totpSecret"})
    assert isinstance(hidden, Tag)
    secret = base64.b32encode(str(hidden["value"]).encode()).decode().rstrip("=")
    link = soup.select_one("#hufu-on-this-phone a")
    assert link is not None
    assert pyotp.parse_uri(str(link["href"])).secret == secret, "for the phone one reads this on"
    code = pyotp.TOTP(secret).now()
    # As the application shows it.
    fields = {"totp": f"{code[:3]} {code[3:]}", "userLabel": ""}
    return pages.submit(session, page, fields, holding="totpSecret"), secret


def with_password(session: requests.Session, page: requests.Response, password: str) -> requests.Response:
    return pages.submit(session, page, {"password-new": password, "password-confirm": password}, holding="password-new")


def with_new_password(person: Person, *tried: str) -> requests.Response:
    """Follow a link for a new password and try these one after the other; the last page."""
    session = pages.new_session()
    page = begun(link_in(person.send(["UPDATE_PASSWORD"])), session)
    for password in tried:
        page = with_password(session, page, password)
    return page


def test_a_lost_phone_is_replaced_by_whoever_has_link_and_password(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    (old,) = otps(person)
    older = link_in(person.send(NEW_OTP))
    mail = person.send(NEW_OTP)
    assert mail["subject"] == "重設公務帳號的一次性密碼"
    session = pages.new_session()
    page = begun(link_in(mail), session)
    assert "totpSecret" not in page.text
    page = pages.submit(session, page, {"password": "wrong"}, holding="password")
    assert "密碼不正確" in page.text
    assert "totpSecret" not in page.text
    assert otps(person) == [old], "nothing has ended yet"
    page = pages.submit(session, page, {"password": PASSWORD}, holding="password")
    assert otps(person) == [old]
    page = pages.submit(session, page, {"totp": "123456", "totpSecret": ""}, holding="totpSecret")
    assert "一次性密碼不正確" in page.text
    page, secret = without_a_name(session, page)
    assert "設定完成" in page.text
    (new,) = otps(person)
    assert new != old
    person.otp = pages.Authenticator(secret)
    person.sign_in()
    for used in (link_in(mail), older):
        page = opened(used)
        assert page.status_code == 400
        assert "totpSecret" not in page.text


def asked_for_a_code(person: Person, browser: requests.Session) -> requests.Response:
    """The page behind a link for a new one-time password, once the present password was given."""
    page = begun(link_in(person.send(NEW_OTP)), browser)
    return pages.submit(browser, page, {"password": PASSWORD}, holding="password")


def test_a_visit_sets_up_nothing_once_its_account_is_disabled_or_a_newer_link_was_used(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    browsers = [pages.new_session() for _ in range(3)]
    forms = [asked_for_a_code(person, browser) for browser in browsers]

    def answer(number: int) -> requests.Response:
        return without_a_name(browsers[number], forms[number])[0]

    former = otps(person)
    realm.server().put(f"/users/{person.id}", {"enabled": False})
    page = answer(2)
    assert page.status_code == 400
    assert "這個帳號已停用" in page.text
    assert "hufu-resend" not in page.text
    assert otps(person) == former
    realm.server().put(f"/users/{person.id}", {"enabled": True})
    assert "設定完成" in answer(1).text
    newer = otps(person)
    assert newer != former
    page = answer(0)
    assert page.status_code == 400
    assert "這個連結已經使用過" in page.text
    assert otps(person) == newer


@pytest.mark.parametrize("mails", ["one", "another"])
@pytest.mark.parametrize("stops_at", ["otp", "password"])
def test_an_activation_that_was_begun_before_changes_nothing_once_another_is_done(
    realm: ScratchRealm, mails: str, stops_at: str
) -> None:
    """Whoever got hold of the link, and waits at one of its pages until its owner has activated."""
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    other = pages.new_session()
    page = begun(link, other)
    if stops_at == "password":
        page, _ = without_a_name(other, page)
    mine = link if mails == "one" else link_in(person.send(ACTIVATION))
    person.otp = pages.Authenticator(pages.activate(mine, PASSWORD))
    kept = otps(person)
    page = without_a_name(other, page)[0] if stops_at == "otp" else with_password(other, page, OTHER_PASSWORD)
    assert page.status_code == 400
    assert "已經啟用" in page.text
    assert "password-new" not in page.text
    assert otps(person) == kept
    person.sign_in()


def test_of_two_activations_the_one_whose_otp_stands_sets_the_password(realm: ScratchRealm) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    other, mine = pages.new_session(), pages.new_session()
    at_password, _ = without_a_name(other, begun(link, other))
    page, secret = without_a_name(mine, begun(link, mine))
    refused = with_password(other, at_password, OTHER_PASSWORD)
    assert refused.status_code == 400
    assert "這個連結已經使用過" in refused.text
    assert "設定完成" in with_password(mine, page, PASSWORD).text
    person.otp = pages.Authenticator(secret)
    person.sign_in()


def test_of_one_time_passwords_set_up_at_once_one_is_left(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    browsers = [pages.new_session() for _ in range(3)]
    forms = [asked_for_a_code(person, browser) for browser in browsers]
    with ThreadPoolExecutor(len(browsers)) as pool:
        done = list(pool.map(without_a_name, browsers, forms))
    (secret,) = [secret for page, secret in done if "設定完成" in page.text]
    assert len(otps(person)) == 1
    person.otp = pages.Authenticator(secret)
    person.sign_in()


def test_guessing_at_the_present_password_locks_as_it_does_at_sign_in(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    session = pages.new_session()
    page = begun(link_in(person.send(NEW_OTP)), session)
    for _ in range(2):  # within a second: that is a machine
        page = pages.submit(session, page, {"password": "wrong"}, holding="password")
    page = pages.submit(session, page, {"password": PASSWORD}, holding="password")
    assert "密碼不正確" in page.text
    assert "totpSecret" not in page.text
    assert realm.server().get(f"/attack-detection/brute-force/users/{person.id}")["disabled"]


@pytest.mark.parametrize("language", RULES)
def test_the_rules_of_the_password_stand_there_before_and_after_an_error(realm: ScratchRealm, language: str) -> None:
    person = realm.person()
    person.activate()
    session = pages.new_session()
    session.headers["Accept-Language"] = language
    page = begun(link_in(person.send(["UPDATE_PASSWORD"])), session)
    for given in (None, ("short", "short"), ("short", "other")):
        if given is not None:
            fields = {"password-new": given[0], "password-confirm": given[1]}
            page = pages.submit(session, page, fields, holding="password-new")
        rules = BeautifulSoup(page.text, "html.parser").select_one("#hufu-password-rules")
        assert rules is not None
        text = " ".join(rules.get_text(" ").split())
        assert [rule for rule in RULES[language] if rule not in text] == []


def test_the_present_password_is_no_new_one_and_it_is_said_why(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    page = with_new_password(person, PASSWORD)
    assert "不可與目前的密碼或最近用過的 4 組密碼相同" in page.text
    assert "設定完成" in with_new_password(person, OTHER_PASSWORD).text
    assert "最近用過的" in with_new_password(person, PASSWORD).text, "nor is the one before"
    assert "最近用過的" in with_new_password(person, OTHER_PASSWORD).text
    assert "設定完成" in with_new_password(person, OTHER_PASSWORD, THIRD_PASSWORD).text
    status = realm.server().get(f"/attack-detection/brute-force/users/{person.id}")
    assert status["numFailures"] == 0
    if realm.directory == "ad":
        with realm.ldap() as directory:
            directory.search(person.dn, "(objectClass=user)", "BASE", attributes=["badPwdCount"])
            assert directory.entries[0]["badPwdCount"].value in (0, None), "nothing was tried at the directory"


def test_an_activation_begun_twice_leaves_one_otp_and_asks_for_no_name(realm: ScratchRealm) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    first = pages.new_session()
    page, _ = without_a_name(first, begun(link, first))
    assert 'name="password-new"' in page.text
    assert 'name="logout-sessions"' not in page.text, "there are no others at a first activation"
    (broken_off,) = otps(person)
    again = pages.new_session()
    assert link_in({"text": link}) == link
    assert again.get(link).status_code == 200
    assert otps(person) == [broken_off], "programs that look at mails take nothing away"
    page, secret = without_a_name(again, begun(link, again))
    page = with_password(again, page, PASSWORD)
    assert BeautifulSoup(page.text, "html.parser").select_one("h1").get_text(strip=True) == "設定完成"  # type: ignore[union-attr]
    assert "English" in page.text
    assert "英文" not in page.text
    (left,) = otps(person)
    assert left != broken_off
    person.otp = pages.Authenticator(secret)
    person.sign_in()
    page = opened(link)
    assert "已經啟用" in page.text
    assert "hufu-resend" not in page.text, "nobody is mailed a link to what is done"


def test_an_older_activation_link_is_no_way_round_the_password_that_was_set_since(realm: ScratchRealm) -> None:
    person = realm.person()
    older = link_in(person.send(ACTIVATION))
    time.sleep(2)  # links are told apart by the second
    person.activate()
    kept = otps(person)
    realm.server().put(f"/users/{person.id}", {"requiredActions": ["UPDATE_PASSWORD"]})
    page = opened(older)
    assert "totpSecret" not in page.text
    assert "已經啟用" in page.text
    assert otps(person) == kept


def test_who_is_out_of_sight_for_a_while_keeps_his_otp_and_his_id(stack: Stack, realm_over: RealmOver) -> None:
    realm = realm_over("ad")
    person = realm.person()
    person.activate()
    server = realm.server()
    outside = environment(stack.profile, "worker")["HUFU_LDAP_BASE_DN"]
    with realm.ldap() as directory:
        directory.modify_dn(person.dn, f"CN={person.name}", new_superior=outside)
    server.post("/clear-user-cache", {})
    (seen,) = server.get("/users", username=person.name, exact="true")
    assert (seen["id"], seen["enabled"]) == (person.id, False)
    with pytest.raises(pages.PersonError, match="refused"):
        person.sign_in()
    with realm.ldap() as directory:
        directory.modify_dn(f"CN={person.name},{outside}", f"CN={person.name}", new_superior=realm.unit_dn)
    server.post("/clear-user-cache", {})
    token, _ = person.sign_in()
    assert token["sub"] == person.id
