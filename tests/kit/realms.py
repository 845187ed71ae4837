"""A realm of one's own on the stack's Keycloak, with people in it, gone after the test."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import randrange
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import ldap3
import requests

from hufu_realm.apply import apply
from hufu_realm.command import DATA
from hufu_realm.data import read
from hufu_realm.model import Desired, Secret
from hufu_realm.server import Server
from hufu_stack import person
from hufu_stack.environment import environment
from hufu_stack.stack import Stack

PASSWORD = "Tiger-Tally-2026!"
ACTIVATION = ["UPDATE_PASSWORD", "CONFIGURE_TOTP"]
INTEGRATOR = "hufu-integrator"
SEVEN_DAYS = 7 * 24 * 3600
TIMEOUT = 20


@dataclass
class ScratchRealm:
    """The project's realm under another name; `directory` says whether it stands on the stack's AD."""

    stack: Stack
    directory: str
    name: str = field(default_factory=lambda: f"scratch-{uuid4().hex[:8]}")

    @property
    def variables(self) -> dict[str, str]:
        found = environment(self.stack.profile, "realm") | {
            "HUFU_REALM": self.name,
            "HUFU_DIRECTORY": self.directory,
        }
        return found | {"HUFU_LDAP_BASE_DN": self.unit_dn}

    @property
    def unit_dn(self) -> str:
        return f"OU={self.name},{environment(self.stack.profile, 'worker')['HUFU_LDAP_BASE_DN']}"

    def desired(self, folder: Path = DATA) -> Desired:
        return read(folder, self.variables, self.name)

    def server(self) -> Server:
        word = Path(self.variables["HUFU_KEYCLOAK_ADMIN_PASSWORD_FILE"]).read_text()
        return Server(self.variables["HUFU_KEYCLOAK_URL"], "admin", Secret(word.strip()), self.name)

    def apply(self) -> tuple[int, int]:
        """Apply the data; steps taken and requests that wrote."""
        server = self.server()
        return apply(server, self.desired(), lambda _: None), server.writes

    @property
    def issuer(self) -> str:
        return f"{self.stack.profile.url('keycloak')}/realms/{self.name}"

    @property
    def redirect(self) -> str:
        """Where the integrator's client is; nobody listens there."""
        return f"http://localhost:{self.variables['HUFU_INTEGRATOR_FIRST_PORT']}/callback"

    def sign_in_address(self, **asked: str) -> str:
        """Where the integrator's client sends people."""
        query = {"client_id": INTEGRATOR, "redirect_uri": self.redirect, "response_type": "code", "scope": "openid"}
        return f"{self.issuer}/protocol/openid-connect/auth?{urlencode(query | asked)}"

    def token(self, **form: str) -> dict[str, Any]:
        """What the token endpoint answers the integrator's client."""
        return self.ask("token", **form)

    def ask(self, endpoint: str, **form: str) -> dict[str, Any]:
        """What an endpoint answers the integrator's client."""
        secret = Path(self.variables["HUFU_INTEGRATOR_CLIENT_SECRET_FILE"]).read_text().strip()
        address = f"{self.issuer}/protocol/openid-connect/{endpoint}"
        data = {"client_id": INTEGRATOR, "client_secret": secret} | form
        answer: dict[str, Any] = requests.post(address, data=data, timeout=TIMEOUT).json()
        return answer

    @contextmanager
    def ldap(self) -> Iterator[ldap3.Connection]:
        worker = environment(self.stack.profile, "worker")
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=worker["HUFU_LDAP_CA_FILE"])
        word = Path(worker["HUFU_LDAP_BIND_PASSWORD_FILE"]).read_text().strip()
        server = ldap3.Server(worker["HUFU_LDAP_URL"], tls=tls)
        connection = ldap3.Connection(server, worker["HUFU_LDAP_BIND_DN"], word, auto_bind=True, raise_exceptions=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def person(self, **attributes: str) -> Person:
        """An approved person, not yet activated: in AD with pwdLastSet 0, or a local user."""
        name = f"u{uuid4().hex[:10]}"
        shown = {
            "display_name": "王小明",
            "account_id": str(uuid4()),
            "title": "科員",
            "unit_name": "秘書室",
        } | attributes
        if self.directory == "ad":
            self._add_to_directory(name, shown)
        else:
            self.server().post(
                "/users",
                {"username": name, "enabled": True, "attributes": {key: [value] for key, value in shown.items()}},
            )
        (user,) = self.server().get("/users", username=name, exact="true")
        mailbox = f"{name}@backup.test"
        self.server().put(f"/users/{user['id']}", {"email": mailbox, "emailVerified": True})
        return Person(self, name, user["id"], mailbox, shown)

    def activated_person(self) -> Person:
        """Has password and one-time password; to sign in oftener than twice takes waiting for the next code."""
        made = self.person()
        made.activate()
        return made

    def _add_to_directory(self, name: str, shown: dict[str, str]) -> None:
        fields = {
            "sAMAccountName": name,
            "displayName": shown["display_name"],
            "title": shown["title"],
            "department": shown["unit_name"],
            "employeeNumber": shown["account_id"],
            "adminDescription": f"hufu:account:{shown['account_id']}",
            "sn": "王",
            "givenName": "小明",
            "userAccountControl": "512",
            "unicodePwd": f'"{secrets.token_urlsafe(24)}Aa1!"'.encode("utf-16-le"),
            "pwdLastSet": "0",
        }
        if "official_mail" in shown:
            fields["mail"] = shown["official_mail"]
        classes = ["top", "person", "organizationalPerson", "user"]
        with self.ldap() as directory:
            directory.add(f"CN={name},{self.unit_dn}", classes, fields)

    def group(self, name: str, attributes: dict[str, str], parent: str | None = None) -> str:
        """Make a group as the worker makes agencies; its id."""
        body = {"name": name, "attributes": {key: [value] for key, value in attributes.items()}}
        server = self.server()
        server.post(f"/groups/{parent}/children" if parent else "/groups", body)
        if parent:
            return str(next(one["id"] for one in server.get(f"/groups/{parent}/children") if one["name"] == name))
        return str(next(one["id"] for one in server.get("/groups", search=name) if one["name"] == name))


# The one over "ad" or "none" that tests share.
RealmOver = Callable[[str], ScratchRealm]


@dataclass
class Person:
    realm: ScratchRealm
    name: str
    id: str
    mailbox: str
    attributes: dict[str, str]
    otp: person.Authenticator | None = None

    @property
    def dn(self) -> str:
        return f"CN={self.name},{self.realm.unit_dn}"

    def join(self, group_id: str) -> None:
        self.realm.server().put(f"/users/{self.id}/groups/{group_id}", None)

    def mails(self) -> list[dict[str, Any]]:
        """Mails caught for this person, newest first."""
        url = f"http://127.0.0.1:{self.realm.stack.profile.port('mail-http')}/api/messages"
        answer = requests.get(url, timeout=TIMEOUT)
        return [one for one in answer.json() if self.mailbox in one["to"]]

    def send(self, actions: list[str], lifespan: int = SEVEN_DAYS) -> dict[str, Any]:
        """Have Keycloak mail a link with these actions; the mail."""
        before = len(self.mails())
        server = self.realm.server()
        server.put(f"/users/{self.id}/execute-actions-email?client_id=hufu-console&lifespan={lifespan}", actions)
        deadline = time.monotonic() + TIMEOUT
        while len(mails := self.mails()) == before:
            assert time.monotonic() < deadline, "no mail came"
            time.sleep(0.05)
        return mails[0]

    def activate(self) -> str:
        """Go through an activation; the link that was used."""
        link = link_in(self.send(ACTIVATION))
        self.otp = person.Authenticator(person.activate(link, PASSWORD))
        return link

    def sign_in(self, scope: str = "openid") -> tuple[dict[str, Any], dict[str, Any]]:
        """Sign in to the integrator's client by code flow; the ID token's claims and userinfo."""
        tokens = self.tokens(scope)
        userinfo = requests.get(
            f"{self.realm.issuer}/protocol/openid-connect/userinfo",
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=TIMEOUT,
        ).json()
        return claims_of(tokens["id_token"]), userinfo

    def tokens(self, scope: str = "openid", **asked: str) -> dict[str, Any]:
        """What the integrator's client gets for a sign-in."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        landed = self.landed(scope=scope, code_challenge=challenge, code_challenge_method="S256", **asked)
        return self.realm.token(
            grant_type="authorization_code",
            code=landed["code"],
            redirect_uri=self.realm.redirect,
            code_verifier=verifier,
        )

    def landed(self, **asked: str) -> dict[str, str]:
        """What a sign-in at the integrator's client brings to its redirect address."""
        assert self.otp
        session, url = person.new_session(), self.realm.sign_in_address(**asked)
        try:
            landed = person.sign_in(session, url, self.name, PASSWORD, self.otp).url
        except requests.ConnectionError as nobody_listens:
            landed = str(nobody_listens.request.url if nobody_listens.request else "")
        return {name: values[0] for name, values in parse_qs(urlsplit(landed).query).items()}


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def link_in(mail: dict[str, Any]) -> str:
    found = re.search(r"http://\S+/login-actions/action-token\S+", mail["text"])
    assert found, mail["text"]
    return found[0]


def begun(link: str, session: requests.Session) -> requests.Response:
    """The first page behind a link's "start"."""
    page = session.get(link, timeout=TIMEOUT)
    proceed = re.search(r'class="hufu-button" href="([^"]*)"', page.text)
    assert proceed, person.text_of(page)
    return session.get(proceed[1].replace("&amp;", "&"), timeout=TIMEOUT)


def wrong_passwords(start: str, name: str, times: int = 5) -> tuple[requests.Session, requests.Response]:
    """Guess somebody's password on the sign-in page; the browser, and the page at which it stands."""
    session = person.new_session()
    page = session.get(start, timeout=TIMEOUT)
    for _ in range(times):
        page = person.submit(session, page, {"username": name, "password": "wrong"}, holding="password")
        time.sleep(1.1)  # quicker ones count as a machine's
    return session, page


def forgot_password(who: Person, session: requests.Session | None = None) -> str:
    """Ask for a new password by the sign-in page; what the page says then."""
    session = session or person.new_session()
    query = "client_id=hufu-console&response_type=code&scope=openid&code_challenge_method=S256"
    url = f"{who.realm.issuer}/protocol/openid-connect/auth?{query}&code_challenge={'x' * 43}"
    page = session.get(url + f"&redirect_uri={who.realm.stack.profile.url('console')}/sign-in/callback")
    link = re.search(r'href="([^"]*reset-credentials[^"]*)"', page.text)
    assert link, person.text_of(page)
    page = session.get(f"{who.realm.stack.profile.url('keycloak')}{link[1].replace('&amp;', '&')}")
    page = person.submit(session, page, {"username": who.name}, holding="username")
    return person.text_of(page).split(" ", 2)[2]


def opened(link: str, language: str = "zh-TW") -> requests.Response:
    """What a fresh browser gets at a link."""
    session = person.new_session()
    session.headers["Accept-Language"] = language
    return session.get(link, timeout=TIMEOUT)


@contextmanager
def scratch_realm(stack: Stack, directory: str, *, applied: bool = True) -> Iterator[ScratchRealm]:
    """A realm under a name of its own, and its OU; both gone afterwards."""
    realm = ScratchRealm(stack, directory)
    if directory == "ad":
        with realm.ldap() as connection:
            mark = {"adminDescription": f"hufu:agency:{randrange(10**12, 10**15)}"}
            connection.add(realm.unit_dn, ["organizationalUnit"], mark)
    try:
        if applied:
            realm.apply()
        yield realm
    finally:
        server = realm.server()
        if server.get_or_none("") is not None:
            server.delete("")
        if directory == "ad":
            with realm.ldap() as connection:
                connection.search(realm.unit_dn, "(objectClass=user)")
                for entry in [entry.entry_dn for entry in connection.entries]:
                    connection.delete(entry)
                connection.delete(realm.unit_dn)
