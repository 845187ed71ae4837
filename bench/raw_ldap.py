"""ldap3 and nothing else: the yardstick of whatever our worker does in the directory."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import ldap3

from bench.harness import seconds
from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model.plan import Desired
from hufu_stack.directory import SECRETS, bind_dn
from hufu_stack.layout import Profile
from hufu_stack.secret_files import read_secret

MARK = "adminDescription"
NORMAL_ACCOUNT = "512"
CLASSES = {
    Kind.AGENCY: ["top", "organizationalUnit"],
    Kind.ACCOUNT: ["top", "person", "organizationalPerson", "user"],
}
Item = TypeVar("Item")


def values_of(desired: Desired) -> dict[str, str]:
    """The attributes the worker writes for a new object, but for the password."""
    values = {name: value for name, value in desired.fields.items() if value} | {MARK: desired.mark}
    return values if desired.kind is Kind.AGENCY else values | {"userAccountControl": NORMAL_ACCOUNT}


def connected(profile: Profile, url: str | None = None) -> ldap3.Connection:
    """As the worker: its bind account, verified TLS; at another `url` than the profile's where one is given."""
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(profile.certificate("ca")))
    server = ldap3.Server(url or str(profile.ldap_url), tls=tls, get_info=ldap3.NONE)
    password = read_secret(profile, SECRETS["hufu-sync"])
    return ldap3.Connection(
        server, bind_dn("hufu-sync"), password, raise_exceptions=True, check_names=False, auto_bind=True
    )


def add_account(connection: ldap3.Connection, dn: str, desired: Desired) -> None:
    """In one request with a random password, as the worker does."""
    password = f'"{secrets.token_urlsafe(36)}aA1!"'.encode("utf-16-le")
    values = values_of(desired) | {"unicodePwd": password, "pwdLastSet": "0"}
    connection.add(dn, CLASSES[Kind.ACCOUNT], values)


def together(
    profile: Profile,
    connections: int,
    act: Callable[[ldap3.Connection, Item], None],
    items: Sequence[Item],
    url: str | None = None,
) -> float:
    """`act` on every item, over as many connections side by side; how many seconds it took without the binds."""
    opened = [connected(profile, url) for _ in range(connections)]

    def share(nth: int) -> None:
        for item in items[nth::connections]:
            act(opened[nth], item)

    with ThreadPoolExecutor(connections) as pool:
        took = seconds(lambda: list(pool.map(share, range(connections))))
    for connection in opened:
        connection.unbind()
    return took
