"""What our providers in Keycloak promise, on the real server, with a directory and without."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from ldap3.core.exceptions import LDAPInvalidCredentialsResult

from hufu_realm.server import ServerError
from hufu_stack import person as pages
from hufu_stack.stack import Stack
from tests.kit.realms import (
    ACTIVATION,
    PASSWORD,
    Person,
    RealmOver,
    ScratchRealm,
    begun,
    forgot_password,
    link_in,
    opened,
    wrong_passwords,
)

OTHER_PASSWORD = "Another-Tally-2027!"


@pytest.fixture(scope="module", params=["ad", "none"])
def realm(realm_over: RealmOver, request: pytest.FixtureRequest) -> ScratchRealm:
    return realm_over(request.param)


@pytest.fixture(scope="module")
def with_directory(realm_over: RealmOver) -> ScratchRealm:
    return realm_over("ad")


@pytest.fixture(scope="module")
def agencies(realm: ScratchRealm) -> dict[str, str]:
    """An agency with a code and one below it without; their group ids."""
    above = realm.group(
        "2.16.886.101.9", {"agency_oid": "2.16.886.101.9", "agency_name": "上級機關", "agency_code": "A09000000A"}
    )
    below = realm.group(
        "2.16.886.101.9.1",
        {"agency_oid": "2.16.886.101.9.1", "agency_name": "𠮷安鄉公所", "agency_code": ""},
        parent=above,
    )
    bare = realm.group(
        "2.16.886.101.9.2", {"agency_oid": "2.16.886.101.9.2", "agency_name": "無代碼機關"}, parent=above
    )
    return {"above": above, "below": below, "bare": bare}


def state_in_directory(person: Person) -> tuple[int, bool]:
    """userAccountControl, and whether a password was ever set."""
    with person.realm.ldap() as directory:
        directory.search(person.dn, "(objectClass=user)", "BASE", attributes=["userAccountControl", "pwdLastSet"])
        (entry,) = directory.response or []
    raw = entry["raw_attributes"]
    return int(raw["userAccountControl"][0]), raw["pwdLastSet"][0] != b"0"


def set_state(person: Person, control: int) -> None:
    with person.realm.ldap() as directory:
        directory.modify(person.dn, {"userAccountControl": [("MODIFY_REPLACE", [str(control)])]})


def signs_in(person: Person, password: str) -> bool:
    """Whether the directory takes this password now."""
    with person.realm.ldap() as directory:
        try:
            return bool(directory.rebind(person.dn, password))
        except LDAPInvalidCredentialsResult:
            return False


def person_attributes(person: Person) -> dict[str, list[str]]:
    (user,) = person.realm.server().get("/users", username=person.name, exact="true")
    return {key: value for key, value in user["attributes"].items() if not key.startswith("LDAP_")}


def error_of(realm: ScratchRealm, person: Person) -> str:
    (event,) = realm.server().get("/events", user=person.id, max="1")
    return str(event.get("error"))


def test_the_token_names_the_person_and_the_agency(realm: ScratchRealm, agencies: dict[str, str]) -> None:
    person = realm.person(official_mail="wang@agency.test")
    person.join(agencies["above"])
    person.activate()
    for claims in person.sign_in(scope="openid profile email"):
        assert claims["sub"] == person.id
        assert claims["account_id"] == person.attributes["account_id"]
        assert claims["preferred_username"] == person.name
        assert claims["name"] == "王小明"
        assert claims["email"] == "wang@agency.test"
        assert claims["title"] == "科員"
        assert claims["unit_name"] == "秘書室"
        assert claims["agency_oid"] == "2.16.886.101.9"
        assert claims["agency_name"] == "上級機關"
        assert claims["agency_code"] == "A09000000A"
        assert claims["groups"] == ["2.16.886.101.9"]
        assert claims["acr"] == "2"
        assert set(claims["amr"]) == {"pwd", "otp"}
        assert time.time() - claims["auth_time"] < 60
        assert not {"email_verified", "given_name", "family_name", "unit_oid"} & claims.keys()


@pytest.mark.parametrize(("agency", "name"), [("below", "𠮷安鄉公所"), ("bare", "無代碼機關")])
def test_an_agency_without_code_never_borrows_its_parents(
    realm: ScratchRealm, agencies: dict[str, str], agency: str, name: str
) -> None:
    person = realm.person()
    person.join(agencies[agency])
    person.activate()
    for claims in person.sign_in():
        assert claims["agency_name"] == name
        assert "agency_code" not in claims
        assert "email" not in claims, "the backup mailbox is nobody's business"


@pytest.mark.requirement("S2-18", "S2-20")
def test_the_activation_mail_says_what_to_do(realm: ScratchRealm) -> None:
    person = realm.person(display_name="王𠮷")
    mail = person.send(ACTIVATION)
    assert mail["subject"] == "啟用您的公務帳號"
    console = realm.stack.profile.url("console")
    for body in (mail["text"], mail["html"]):
        assert "王𠮷" in body
        assert "7 天" in body
        assert "垃圾信件匣" in body
        assert f"{console}/activation" in body
    attributes = person_attributes(person) | {"locale": ["en"]}
    # With attributes and without e-mail Keycloak takes it that the e-mail is to go.
    realm.server().put(f"/users/{person.id}", {"attributes": attributes, "email": person.mailbox})
    mail = person.send(ACTIVATION)
    assert mail["subject"] == "Activate your official account"
    assert "7 days" in mail["text"]
    assert "junk-mail folder" in mail["text"]


@pytest.mark.requirement("S1-088")
def test_an_activation_sets_both_and_its_link_is_used_up(realm: ScratchRealm) -> None:
    person = realm.person()
    link = person.activate()
    (user,) = realm.server().get("/users", username=person.name, exact="true")
    assert user["totp"]
    assert user["requiredActions"] == []
    if realm.directory == "ad":
        assert state_in_directory(person) == (512, True)
    page = opened(link)
    assert page.status_code == 400
    assert "已經啟用" in page.text
    assert error_of(realm, person) == "already_activated"


def test_every_older_link_dies_with_the_activation(realm: ScratchRealm) -> None:
    person = realm.person()
    older = link_in(person.send(ACTIVATION))
    assert opened(older).status_code == 200
    person.activate()
    assert "已經啟用" in opened(older).text
    assert "already activated" in opened(older, "en").text


def test_a_half_done_activation_can_be_finished_by_its_link(realm: ScratchRealm) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    session = pages.new_session()
    page = begun(link, session)
    assert 'name="totpSecret"' in page.text
    assert pages.activate(link, PASSWORD)


@pytest.mark.requirement("S2-53")
def test_an_expired_link_is_refused_and_shows_the_way_out(realm: ScratchRealm) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION, lifespan=1))
    time.sleep(2.5)
    page = opened(link)
    assert page.status_code == 400
    assert "過期" in page.text
    assert f'href="{realm.stack.profile.url("console")}/activation"' in page.text


def test_forged_and_foreign_links_are_refused(realm: ScratchRealm, stack: Stack) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    head, payload, signature = link.split("key=")[1].split(".")
    for forged in (
        link[:-6] + "AAAAAA",
        link.replace(signature, ""),
        link.replace(payload, payload[:-4] + "AAAA"),
        link.replace(head, "eyJhbGciOiJub25lIn0"),
        link.split("key=")[0] + "key=nonsense",
        link.split("?")[0],
        link.replace(f"/realms/{realm.name}/", "/realms/hufu/"),
    ):
        page = opened(forged)
        assert page.status_code == 400, forged
        assert 'name="totpSecret"' not in page.text
    assert opened(link).status_code == 200


def test_a_link_of_a_disabled_account_is_refused(realm: ScratchRealm) -> None:
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    assert opened(link).status_code == 200
    realm.server().put(f"/users/{person.id}", {"enabled": False})
    page = opened(link)
    assert page.status_code == 400
    assert "停用" in page.text
    realm.server().put(f"/users/{person.id}", {"enabled": True})
    assert opened(link).status_code == 200


def test_a_link_is_refused_at_once_when_only_the_directory_disabled(with_directory: ScratchRealm) -> None:
    person = with_directory.person()
    link = link_in(person.send(ACTIVATION))
    assert opened(link).status_code == 200  # the user is remembered now
    set_state(person, 514)
    page = opened(link)
    assert page.status_code == 400
    assert "停用" in page.text


@pytest.mark.parametrize("action", ACTIVATION)
def test_a_reset_by_an_administrator_still_works(realm: ScratchRealm, action: str) -> None:
    person = realm.person()
    person.activate()
    page = opened(link_in(person.send([action])))
    assert page.status_code == 200
    assert "hufu-button" in page.text


def test_a_reset_link_works_once(realm: ScratchRealm) -> None:
    person = realm.person()
    person.activate()
    link = link_in(person.send(["UPDATE_PASSWORD"]))
    fields = {"password-new": OTHER_PASSWORD, "password-confirm": OTHER_PASSWORD}
    broken_off, session = pages.new_session(), pages.new_session()
    page = begun(link, broken_off)
    realm.server().put(f"/users/{person.id}", {"enabled": False})
    assert "這個帳號已停用" in pages.submit(broken_off, page, fields, holding="password-new").text
    realm.server().put(f"/users/{person.id}", {"enabled": True})
    page = begun(link, session)
    assert pages.submit(session, page, fields, holding="password-new").status_code == 200
    page = opened(link)
    assert page.status_code == 400
    assert "使用過" in page.text


def test_five_failures_lock_and_the_worker_unlocks(with_directory: ScratchRealm) -> None:
    realm = with_directory
    person = realm.person()
    person.activate()
    session, page = wrong_passwords(realm.sign_in_address(), person.name)
    assert "鎖定 15 分鐘" in page.text
    server = realm.server()
    status = server.get(f"/attack-detection/brute-force/users/{person.id}")
    assert (status["numFailures"], status["disabled"]) == (5, True)
    page = pages.submit(session, page, {"username": person.name, "password": PASSWORD}, holding="password")
    assert 'name="otp"' not in page.text, "the right password does not help while locked"
    token = requests.post(
        f"{realm.issuer}/protocol/openid-connect/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "hufu-sync",
            "client_secret": realm.stack.profile.secret("sync-client-secret").read_text().strip(),
        },
        timeout=20,
    ).json()["access_token"]
    base = realm.issuer.replace("/realms/", "/admin/realms/")
    answer = requests.delete(
        f"{base}/attack-detection/brute-force/users/{person.id}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    assert answer.status_code == 204
    page = pages.submit(session, page, {"username": person.name, "password": PASSWORD}, holding="password")
    assert 'name="otp"' in page.text


def test_forgot_password_before_activation_sends_nothing_and_says_the_same(realm: ScratchRealm) -> None:
    person = realm.person()
    said = forgot_password(person)
    assert "垃圾信件匣" in said
    stranger = Person(realm, "nobody99", "", "", {})
    assert forgot_password(stranger) == said
    person.activate()
    caught = len(person.mails())
    assert forgot_password(person) == said
    deadline = time.monotonic() + 10
    while len(person.mails()) == caught and time.monotonic() < deadline:
        time.sleep(0.05)
    newest = person.mails()[0]
    assert newest["subject"] == "重設公務帳號的密碼"
    assert "10 分鐘" in newest["text"]
    assert len(person.mails()) == caught + 1, "and none had been sent before"
    for _ in range(3):
        assert forgot_password(person) == said
    realm.server().put(f"/users/{person.id}", {"enabled": False})
    assert forgot_password(person) == said
    time.sleep(0.5)
    assert len(person.mails()) == caught + 1


def asked_for_a_link(person: Person, session: requests.Session) -> str:
    """The link that "forgot password" mails."""
    caught = len(person.mails())
    forgot_password(person, session)
    deadline = time.monotonic() + 10
    while len(person.mails()) == caught:
        assert time.monotonic() < deadline, "no mail came"
        time.sleep(0.05)
    return link_in(person.mails()[0])


@pytest.mark.parametrize("where", ["in the browser that asked", "in another"])
def test_a_link_for_a_forgotten_password_works_at_once(realm: ScratchRealm, where: str) -> None:
    person = realm.person()
    person.activate()
    asked = pages.new_session()
    link = asked_for_a_link(person, asked)
    page = (asked if where == "in the browser that asked" else pages.new_session()).get(link)
    assert 'name="password-new"' in page.text


def test_a_password_alone_never_leads_to_setting_up_an_otp(realm: ScratchRealm) -> None:
    person = realm.person()
    realm.server().put(
        f"/users/{person.id}/reset-password", {"type": "password", "value": PASSWORD, "temporary": False}
    )
    person.otp = pages.Authenticator("JBSWY3DPEHPK3PXP")
    with pytest.raises(Exception, match="403"):
        person.sign_in()
    assert error_of(realm, person) == "not_activated"


def test_keycloak_never_enables_what_the_directory_disabled(with_directory: ScratchRealm) -> None:
    """Not by its switch, not by a password set by an administrator, not by a link in hand."""
    person = with_directory.person()
    link = person.activate()
    server = with_directory.server()
    reset = link_in(person.send(["UPDATE_PASSWORD"]))
    set_state(person, 514)
    server.put(f"/users/{person.id}", {"enabled": False})
    server.put(f"/users/{person.id}", {"enabled": True})
    (user,) = server.get("/users", username=person.name, exact="true")
    assert not user["enabled"], "what the directory disabled reads as disabled"
    for temporary in (False, True):
        credential = {"type": "password", "value": OTHER_PASSWORD + str(temporary), "temporary": temporary}
        server.put(f"/users/{person.id}/reset-password", credential)
        assert state_in_directory(person)[0] == 514
    assert opened(reset).status_code == 400
    assert opened(link).status_code == 400
    assert state_in_directory(person)[0] == 514
    set_state(person, 512)
    server.put(f"/users/{person.id}", {"enabled": False})
    assert state_in_directory(person)[0] == 512, "nor does it disable there"


def test_a_person_keycloak_remembers_is_refused_at_once_when_the_directory_disabled_him(
    with_directory: ScratchRealm,
) -> None:
    person = with_directory.person()
    person.activate()
    person.sign_in()
    set_state(person, 514)
    with pytest.raises(pages.PersonError, match="refused"):
        person.sign_in()
    assert state_in_directory(person)[0] == 514
    set_state(person, 512)
    person.sign_in()


@pytest.mark.parametrize("actions", [["UPDATE_PASSWORD"], ACTIVATION], ids=["reset", "activation"])
def test_a_password_sent_after_the_directory_disabled_enables_nobody(
    with_directory: ScratchRealm, actions: list[str]
) -> None:
    """The link was opened and the form is on the screen when the account is disabled."""
    person = with_directory.person()
    if actions != ACTIVATION:
        person.activate()
    session = pages.new_session()
    page = begun(link_in(person.send(actions)), session)
    if actions == ACTIVATION:
        page, _ = pages.set_up_otp(session, page)
    assert 'name="password-new"' in page.text
    set_state(person, 514)
    fields = {"password-new": OTHER_PASSWORD, "password-confirm": OTHER_PASSWORD}
    pages.submit(session, page, fields, holding="password-new")
    assert state_in_directory(person)[0] == 514
    with_directory.server().put(f"/users/{person.id}", {"enabled": True})
    assert state_in_directory(person)[0] == 514


def test_a_set_password_shows_in_the_directory(with_directory: ScratchRealm) -> None:
    person = with_directory.person()
    assert state_in_directory(person) == (512, False)
    person.activate()
    assert state_in_directory(person) == (512, True)
    server = with_directory.server()
    server.put(f"/users/{person.id}/reset-password", {"type": "password", "value": OTHER_PASSWORD, "temporary": True})
    assert state_in_directory(person) == (512, False), "must change shows as pwdLastSet 0"


def test_of_passwords_sent_at_once_the_directory_has_the_one_that_is_remembered_last(
    with_directory: ScratchRealm,
) -> None:
    person = with_directory.person()
    person.activate()
    server = with_directory.server()
    tried = [f"At-Once-{number}-2026!" for number in range(3)]
    browsers = [pages.new_session() for _ in tried]
    forms = [begun(link_in(person.send(["UPDATE_PASSWORD"])), browser) for browser in browsers]

    def send(number: int) -> str:
        fields = dict.fromkeys(("password-new", "password-confirm"), tried[number])
        return pages.submit(browsers[number], forms[number], fields, holding="password-new").text

    with ThreadPoolExecutor(len(tried)) as pool:
        answers = list(pool.map(send, range(len(tried))))
    assert all("設定完成" in answer for answer in answers)
    (present,) = [password for password in tried if signs_in(person, password)]

    def reset(password: str) -> None:
        server.put(f"/users/{person.id}/reset-password", {"type": "password", "value": password, "temporary": False})

    # Four are remembered: of the three only the last one still is.
    for number in range(3):
        reset(f"Later-{number}-2027!")
    with pytest.raises(ServerError, match="400"):
        reset(present)


def test_a_weak_password_is_refused(realm: ScratchRealm) -> None:
    person = realm.person()
    for weak in (
        "Short-1!",
        "no-upper-case-1!",
        "NO-LOWER-CASE-1!",
        "No-Digits-Here!",
        "NoSymbols12345",
        f"A1!-{person.name}",
    ):
        with pytest.raises(ServerError, match="400"):
            realm.server().put(
                f"/users/{person.id}/reset-password", {"type": "password", "value": weak, "temporary": False}
            )
