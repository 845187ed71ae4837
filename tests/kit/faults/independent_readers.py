"""What the real servers hold, read on a way of our own: neither the worker's adapters nor its plans are asked."""

from __future__ import annotations

import base64
import ssl
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

import ldap3
import requests
from ldap3.core.exceptions import LDAPNoSuchObjectResult

from hufu_realm.model import Secret
from hufu_realm.server import Server
from hufu_registry.kernel.ids import AccountId
from hufu_stack.directory import DOMAIN_DN, SECRETS, Directory, bind_dn
from hufu_stack.keycloak import ADMIN
from hufu_stack.layout import BASE_DN, REALM, Profile
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import Stack

DISABLED = 0x2
TOKEN_IS_TAKEN_FOR = 20.0
SEEN = (
    "objectGUID", "adminDescription", "userAccountControl", "sAMAccountName", "displayName", "title", "department",
    "telephoneNumber", "mail", "employeeNumber", "departmentNumber", "company", "description", "objectClass",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    dn: str
    guid: str
    values: Mapping[str, str]

    @property
    def enabled(self) -> bool:
        return not int(self.values["userAccountControl"]) & DISABLED


@dataclass(frozen=True, slots=True)
class DirectoryReader:
    profile: Profile

    def of_account(self, account_id: AccountId) -> list[Entry]:
        """Every object that says it is this account, anywhere in the domain."""
        return self._search(DOMAIN_DN, f"(employeeNumber={account_id})", ldap3.SUBTREE)

    def of_accounts(self) -> Mapping[str, Sequence[Entry]]:
        """The same for all accounts at once, by what they say."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self._search(DOMAIN_DN, "(employeeNumber=*)", ldap3.SUBTREE):
            found[entry.values["employeeNumber"]].append(entry)
        return found

    def below(self, dn: str) -> list[Entry]:
        """The entry and everything below it."""
        return self._search(dn, "(objectClass=*)", ldap3.SUBTREE)

    def child(self, parent: str, name: str) -> Entry | None:
        return next(iter(self._search(parent, f"(ou={name})", ldap3.LEVEL)), None)

    def signs_in(self, account_name: str, password: str) -> bool:
        with self._server() as server:
            connection = ldap3.Connection(server, f"{account_name}@agency.test", password, receive_timeout=10)
            try:
                return bool(connection.bind())
            finally:
                connection.unbind()

    def delete(self, dn: str) -> None:
        """As somebody with our rights, behind our back."""
        with self._open() as connection:
            connection.delete(dn)

    def write(self, dn: str, **values: str) -> None:
        """As somebody with our rights, behind our back."""
        with self._open() as connection:
            connection.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()})

    def deny(self, dn: str, rule: str) -> None:
        """A rule of the entry's own about our bind account; `rule` is SDDL with a place for its sid."""
        directory = Directory(self.profile)
        database = ("-H", directory._database, f"--configfile={directory._config}")
        found = directory._run("ldbsearch", *database, f"--basedn={bind_dn('hufu-sync')}", "--scope=base", "objectSid")
        sid = next(line.split(": ")[1] for line in found.splitlines() if line.startswith("objectSid: "))
        # Not `samba-tool dsacl`, which stumbles over an entry that has no rule of its own.
        name = base64.b64encode(dn.encode()).decode()
        change = f"dn:: {name}\nchangetype: modify\nreplace: nTSecurityDescriptor\n"
        self.as_administrator("ldbmodify", f"{change}nTSecurityDescriptor: D:{rule.format(sid=sid)}\n")

    def as_administrator(self, program: str, ldif: str) -> None:
        """What only the domain's administrators may: `ldbadd` or `ldbmodify` on its own files."""
        directory = Directory(self.profile)
        directory._run(program, "-H", directory._database, f"--configfile={directory._config}", given=ldif)

    def _search(self, base: str, query: str, scope: Any) -> list[Entry]:
        with self._open() as connection:
            try:
                pages = connection.extend.standard.paged_search(
                    base, query, search_scope=scope, attributes=list(SEEN), paged_size=500
                )
                return [_entry(raw) for raw in pages if raw["type"] == "searchResEntry"]
            except LDAPNoSuchObjectResult:
                return []

    @contextmanager
    def _server(self) -> Iterator[ldap3.Server]:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(self.profile.certificate("ca")))
        yield ldap3.Server(str(self.profile.ldap_url), tls=tls, get_info=ldap3.NONE, connect_timeout=5)

    @contextmanager
    def _open(self) -> Iterator[ldap3.Connection]:
        password = read_secret(self.profile, SECRETS["hufu-sync"])
        with (
            self._server() as server,
            ldap3.Connection(
                server,
                bind_dn("hufu-sync"),
                password,
                raise_exceptions=True,
                check_names=False,
                auto_referrals=False,
                receive_timeout=10,
            ) as connection,
        ):
            yield connection


def _entry(raw: Mapping[str, Any]) -> Entry:
    values = {
        name: found[-1].decode("utf-8", "replace")
        for name, found in raw["raw_attributes"].items()
        if found and name != "objectGUID"
    }
    return Entry(raw["dn"], str(UUID(bytes_le=raw["raw_attributes"]["objectGUID"][0])), values)


@dataclass(frozen=True, slots=True)
class KeycloakReader:
    profile: Profile

    def of_account(self, account_id: AccountId, name: str) -> list[dict[str, Any]]:
        """The users that say they are this account, each with the names of its groups under "groups"."""
        found = [
            user
            for user in self._get("users", search=name, briefRepresentation="false", max=50)
            if user.get("attributes", {}).get("account_id") == [str(account_id)]
        ]
        return [user | {"groups": self._group_names(user["id"])} for user in found]

    def group(self, name: str) -> dict[str, Any] | None:
        """The group of this name wherever it stands, with its attributes."""
        found = self._get("groups", search=name, exact="true", max=50, briefRepresentation="false")
        return next((group for group in _flat(found) if group["name"] == name), None)

    def sessions(self, user_id: str) -> int:
        return len(self._get(f"users/{user_id}/sessions"))

    def forget(self) -> None:
        """Whatever it remembers of its users; only its administrators may say so."""
        password = Secret(read_secret(self.profile, "keycloak-admin-password"))
        Server(self.profile.url("keycloak"), ADMIN, password, REALM).post("/clear-user-cache", None)

    def delete(self, path: str) -> None:
        """`users/ID` or `groups/ID`, behind our back."""
        requests.delete(self._url(path), headers=self._headers(), timeout=10).raise_for_status()

    def _group_names(self, user_id: str) -> list[str]:
        return sorted(group["name"] for group in self._get(f"users/{user_id}/groups", max=50))

    def _get(self, path: str, **query: Any) -> Any:
        answer = requests.get(self._url(path), params=query, headers=self._headers(), timeout=20)
        answer.raise_for_status()
        return answer.json()

    def _url(self, path: str) -> str:
        return f"{self.profile.url('keycloak')}/admin/realms/{REALM}/{quote(path)}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {_token(self.profile, int(time.monotonic() / TOKEN_IS_TAKEN_FOR))}"}


@lru_cache(maxsize=4)
def _token(profile: Profile, _while: int) -> str:
    grant = {
        "grant_type": "client_credentials",
        "client_id": "hufu-sync",
        "client_secret": read_secret(profile, "sync-client-secret"),
    }
    answer = requests.post(f"{profile.issuer}/protocol/openid-connect/token", data=grant, timeout=20)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _flat(groups: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for group in groups:
        yield group
        yield from _flat(group.get("subGroups") or [])


def ou(name: str, parent: str = BASE_DN) -> str:
    """The DN of our OU of this (plain) name."""
    return f"OU={name},{parent}"


def bound(stack: Stack, account: str) -> ldap3.Connection:
    """Signed in to the directory as one of our service accounts."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(stack.profile.certificate("ca")))
    server = ldap3.Server(str(stack.profile.ldap_url), tls=tls, get_info=ldap3.NONE)
    password = read_secret(stack.profile, SECRETS[account])
    return ldap3.Connection(server, bind_dn(account), password, auto_bind=True, check_names=False)
