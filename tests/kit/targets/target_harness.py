"""A target of each kind with what tests need around it: objects that fit it, and the worker's way of bringing them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID, uuid4

import ldap3

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import BARS
from hufu_registry.sync.model.plan import ENABLED, PLACE, Create, Desired, Observed, Step, in_one, plan
from hufu_stack.stack import Stack
from hufu_sync.errors import TargetError
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.dn import parent
from hufu_sync.targets.keycloak import Keycloak
from hufu_sync.targets.ldap_connection import DACL_ONLY, EPOCH, ONLY_INHERITED, RULES
from hufu_sync.targets.port import Asked, Credentials, Directory, Found, SignInServer, StateTarget
from tests.kit.realms import PASSWORD, ScratchRealm, scratch_realm, wrong_passwords
from tests.kit.settings import settings_of
from tests.kit.targets.documents import DocumentSystem
from tests.kit.targets.fakes import FakeTarget

T = TypeVar("T", bound=StateTarget)
HarnessFactory = Callable[[str], Any]


def steps(desired: Desired, observed: Observed | None) -> tuple[Step, ...]:
    return plan(desired, observed, {}, lambda field, value: value).steps


def look(
    target: StateTarget, desired: Desired, remote_id: str | None = None, *, in_flight: bool = False
) -> Observed | None:
    """One object; raises what is wrong with it."""
    (found,) = target.find([Asked(desired, remote_id, in_flight)])
    if isinstance(found, TargetError):
        raise found
    return found


# What `bar` leaves.
BARRED = "password_not_required smartcard_required no_preauthentication expires=2020-01-01 logon_hours workstations"


@dataclass
class TargetHarness(Generic[T]):
    """`several` is a field of `keeps_several` that may have more values than one there."""

    target: T
    several: ClassVar[str] = "title"

    def keeps_several(self, value: str) -> Desired:
        return self.account(self.make(self.agency()), **{self.several: value})

    def add_value(self, remote_id: str, field: str, value: str) -> None:
        """Somebody else adds one beside ours."""
        raise NotImplementedError

    def agency(self, place: str | None = None, name: str = "") -> Desired:
        number = uuid4().int % 10**9
        return Desired(
            kind=Kind.AGENCY,
            object_id=str(number),
            mark=f"hufu:agency:{number}",
            name=name or f"測試機關 {number}",
            place=place,
            fields={"description": "測試機關", "businessCategory": "2.16.886.101.29999"},
        )

    def account(self, place: str | None, **fields: str) -> Desired:
        account_id, name = str(uuid4()), f"u{uuid4().hex[:10]}"
        return Desired(
            kind=Kind.ACCOUNT,
            object_id=account_id,
            mark=f"hufu:account:{account_id}",
            name=name,
            place=place,
            enabled=True,
            fields=self.fields_of(account_id, name) | fields,
            enforced=frozenset({ENABLED}),
        )

    def fields_of(self, account_id: str, name: str) -> dict[str, str]:
        return {
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@agency.test",
            "displayName": "王小明",
            "sn": "王小明",
            "givenName": ".",
            "title": "科員",
            "mail": "",
            "employeeNumber": account_id,
        }

    def look(self, desired: Desired, remote_id: str | None = None, *, in_flight: bool = False) -> Observed | None:
        return look(self.target, desired, remote_id, in_flight=in_flight)

    def seen(self, desired: Desired, remote_id: str) -> Observed:
        found = self.look(desired, remote_id)
        assert found is not None
        return found

    def bring(self, desired: Desired, remote_id: str | None = None) -> Observed:
        """Bring it there as the worker does; what stands there then."""
        observed = self.look(desired, remote_id)
        for step in steps(desired, observed):
            self.target.apply(step, desired, observed)
            observed = self.look(desired, None if observed is None else observed.remote_id)
        assert observed is not None
        return observed

    def make(self, desired: Desired) -> str:
        return self.bring(desired).remote_id

    def take_away(self, desired: Desired, remote_id: str) -> None:
        """Delete it as the worker does."""
        gone = replace(desired, exists=False)
        observed = self.look(gone, remote_id)
        for step in steps(gone, observed):
            self.target.apply(step, gone, observed)

    def everything(self, kind: Kind, *fields: str) -> list[Observed]:
        return [observed for page in self.target.everything(kind, fields) for observed in page]


class DirectoryHarness(TargetHarness[Directory]):
    """With the hands of other people in it."""

    def choose_password(self, remote_id: str) -> None:
        raise NotImplementedError

    def lock(self, remote_id: str) -> None:
        """Too many wrong passwords, a moment ago."""
        raise NotImplementedError

    def protect(self, remote_id: str) -> None:
        raise NotImplementedError

    def bar(self, remote_id: str) -> None:
        """Keep its owner out: the account expired, with a smart card, at no hour, from one computer only."""
        raise NotImplementedError

    def move_out(self, remote_id: str, name: str) -> str:
        """Somebody moves the account out of our part of the directory; where to."""
        raise NotImplementedError

    def stand_in_the_way(self, desired: Desired) -> str:
        """Make somebody else's account of the same name; its id."""
        raise NotImplementedError


@dataclass
class MemoryDirectoryHarness(DirectoryHarness):
    target: FakeTarget

    def add_value(self, remote_id: str, field: str, value: str) -> None:
        add_to_memory(self.target, remote_id, field, value)

    def choose_password(self, remote_id: str) -> None:
        self.target.passwords[remote_id] = datetime.now(UTC)

    def lock(self, remote_id: str) -> None:
        self.target.lock(remote_id, datetime.now(UTC))

    def protect(self, remote_id: str) -> None:
        self.target.things[remote_id].protected = True

    def bar(self, remote_id: str) -> None:
        thing = self.target.things[remote_id]
        thing.fields[BARS] = BARRED
        self.target.touch(thing)

    def move_out(self, remote_id: str, name: str) -> str:
        thing = self.target.things[remote_id]
        thing.place = "CN=Users,DC=agency,DC=test"
        self.target.touch(thing)
        return thing.place

    def stand_in_the_way(self, desired: Desired) -> str:
        return self.target.stand_in_the_way(desired.name)


def add_to_memory(target: FakeTarget, remote_id: str, field: str, value: str) -> None:
    thing = target.things[remote_id]
    thing.fields[field] = in_one([thing.fields[field], value])
    target.touch(thing)


@dataclass
class SambaHarness(DirectoryHarness):
    target: ActiveDirectory
    connection: Any
    several: ClassVar[str] = "departmentNumber"

    def add_value(self, remote_id: str, field: str, value: str) -> None:
        self.connection.modify(f"<GUID={remote_id}>", {field: [(ldap3.MODIFY_ADD, [value])]})

    def choose_password(self, remote_id: str) -> None:
        self.write(remote_id, unicodePwd=f'"{secrets.token_urlsafe(24)}Aa1!"'.encode("utf-16-le"))

    def lock(self, remote_id: str) -> None:
        ticks = int((datetime.now(UTC) - EPOCH).total_seconds() * 10**7)
        self.write(remote_id, lockoutTime=str(ticks))

    def protect(self, remote_id: str) -> None:
        self.write(remote_id, adminCount="1")

    def bar(self, remote_id: str) -> None:
        expired = int((datetime(2020, 1, 1, 16, tzinfo=UTC) - EPOCH).total_seconds() * 10**7)
        flags = str(0x200 | 0x20 | 0x40000 | 0x400000)
        hours = b"\0" * 20 + b"\xff"
        self.write(
            remote_id, accountExpires=str(expired), userAccountControl=flags, logonHours=hours, userWorkstations="PC1"
        )

    def move_out(self, remote_id: str, name: str) -> str:
        place = parent(self.target.settings.base_dn)
        self.connection.search(f"<GUID={remote_id}>", "(objectClass=*)", ldap3.BASE)
        self.connection.modify_dn(self.connection.response[0]["dn"], f"CN={name}", new_superior=place)
        return place

    def stand_in_the_way(self, desired: Desired) -> str:
        dn = f"CN={desired.name},{self.target.settings.base_dn}"
        names = {"sAMAccountName": desired.name, "userAccountControl": "514", "title": "theirs"}
        self.connection.add(dn, ["top", "person", "organizationalPerson", "user"], names)
        self.connection.search(dn, "(objectClass=user)", attributes=["objectGUID"])
        return str(UUID(bytes_le=self.connection.response[0]["raw_attributes"]["objectGUID"][0]))

    def write(self, remote_id: str, **values: str | bytes) -> None:
        changes = {name: [(ldap3.MODIFY_REPLACE, [value])] for name, value in values.items()}
        self.connection.modify(f"<GUID={remote_id}>", changes)


@dataclass
class SignInHarness(TargetHarness[SignInServer]):
    """`directory` is the one under it, where it has one; `realm` is none for one in memory."""

    directory: ActiveDirectory | None = None
    realm: ScratchRealm | None = None
    several: ClassVar[str] = "agency_code"

    def keeps_several(self, value: str) -> Desired:
        """Keycloak refuses a second value of a user's, by the realm's profile; a group's it takes."""
        agency = self.agency()
        return replace(agency, fields={**agency.fields, self.several: value})

    def agency(self, place: str | None = None, name: str = "") -> Desired:
        found = super().agency(place, name)
        oid = f"2.16.886.101.{found.object_id}"
        fields = {"agency_oid": oid, "agency_name": "測試機關", "agency_code": "", "description": "測試機關"}
        return replace(found, name=name or oid, fields=fields)

    def account(self, place: str | None, **fields: str) -> Desired:
        found = super().account(place, **fields)
        return replace(found, enforced=frozenset({ENABLED, PLACE}))

    def fields_of(self, account_id: str, name: str) -> dict[str, str]:
        wanted = {"email": f"{name}@backup.test", "locale": "zh-TW", "unit_oid": ""}
        if self.directory is None:
            wanted |= {"display_name": "王小明", "title": "科員", "official_mail": "", "unit_name": "秘書室"}
        return wanted

    def bring(self, desired: Desired, remote_id: str | None = None) -> Observed:
        if self.directory is not None and desired.kind is Kind.ACCOUNT:
            self.put_into_directory(desired)
        return super().bring(desired, remote_id)

    def take_away(self, desired: Desired, remote_id: str) -> None:
        if self.directory is not None and desired.kind is Kind.ACCOUNT:
            self.take_out_of_directory(desired)
        super().take_away(desired, remote_id)

    def inside(self, desired: Desired) -> Desired:
        """The same account as the directory under it has it."""
        fields = {
            "sAMAccountName": desired.name,
            "userPrincipalName": f"{desired.name}@agency.test",
            "displayName": "王小明",
            "employeeNumber": desired.object_id,
        }
        return replace(desired, place=None, fields=fields)

    def put_into_directory(self, desired: Desired) -> None:
        assert self.directory is not None
        inside = self.inside(desired)
        if look(self.directory, inside) is None:
            self.directory.apply(Create(inside), inside, None)

    def set_up(self, desired: Desired, remote_id: str) -> None:
        """The person has chosen a password, where it is kept here."""
        raise NotImplementedError

    def lock(self, desired: Desired, remote_id: str) -> None:
        """Too many wrong passwords, a moment ago."""
        raise NotImplementedError

    def take_out_of_directory(self, desired: Desired) -> None:
        assert self.directory is not None
        gone = replace(self.inside(desired), exists=False)
        observed = look(self.directory, gone)
        for step in steps(gone, observed):
            self.directory.apply(step, gone, observed)


@dataclass
class MemorySignInHarness(SignInHarness):
    target: FakeTarget

    def add_value(self, remote_id: str, field: str, value: str) -> None:
        add_to_memory(self.target, remote_id, field, value)

    def set_up(self, desired: Desired, remote_id: str) -> None:
        self.target.having[remote_id] = Credentials(password=True, otp=True)
        self.target.having_since[remote_id] = datetime.now(UTC)

    def lock(self, desired: Desired, remote_id: str) -> None:
        now = datetime.now(UTC)
        self.target.lock(remote_id, now, now + timedelta(minutes=15))


@dataclass
class KeycloakHarness(SignInHarness):
    target: Keycloak

    def add_value(self, remote_id: str, field: str, value: str) -> None:
        group = self.in_realm.server().get(f"/groups/{remote_id}")
        attributes = {**group["attributes"], field: [*group["attributes"][field], value]}
        self.in_realm.server().put(f"/groups/{remote_id}", {**group, "attributes": attributes})

    def set_up(self, desired: Desired, remote_id: str) -> None:
        password = {"type": "password", "value": PASSWORD, "temporary": False}
        self.in_realm.server().put(f"/users/{remote_id}/reset-password", password)

    def lock(self, desired: Desired, remote_id: str) -> None:
        wrong_passwords(self.in_realm.sign_in_address(), desired.name)

    @property
    def in_realm(self) -> ScratchRealm:
        assert self.realm is not None
        return self.realm


@contextmanager
def in_memory() -> Iterator[DirectoryHarness]:
    yield MemoryDirectoryHarness(FakeTarget())


@contextmanager
def documents(folder: Path) -> Iterator[TargetHarness[DocumentSystem]]:
    yield TargetHarness(DocumentSystem(folder))


@contextmanager
def samba(stack: Stack) -> Iterator[DirectoryHarness]:
    """Active Directory, in an OU of one's own that is gone afterwards."""
    settings = settings_of(stack).directory_settings()
    assert settings is not None
    base = f"OU=contract-{secrets.token_hex(4)},{settings.base_dn}"
    tls = ldap3.Tls(ca_certs_file=str(settings.ca_file))
    server = ldap3.Server(settings.url, tls=tls, get_info=ldap3.NONE)
    with ldap3.Connection(server, settings.bind_dn, settings.bind_password, raise_exceptions=True) as connection:
        connection.add(base, ["top", "organizationalUnit"], {RULES: ONLY_INHERITED}, controls=DACL_ONLY)
        directory = ActiveDirectory(replace(settings, base_dn=base))
        try:
            yield SambaHarness(directory, connection)
        finally:
            directory.close()
            connection.search(base, "(objectClass=*)")
            for dn in sorted((entry["dn"] for entry in connection.response or ()), key=len, reverse=True):
                connection.delete(dn)


@contextmanager
def sign_in_memory() -> Iterator[SignInHarness]:
    yield MemorySignInHarness(FakeTarget(remakes=True))


@contextmanager
def keycloak(stack: Stack, directory: str) -> Iterator[SignInHarness]:
    """Keycloak in a realm of one's own, over an OU of one's own where `directory` is ad."""
    with scratch_realm(stack, directory) as realm:
        settings = settings_of(stack, realm=realm.name)
        server = Keycloak(replace(settings.keycloak_settings(), with_directory=directory == "ad"))
        under = None
        if directory == "ad":
            inside = settings.directory_settings()
            assert inside is not None
            under = ActiveDirectory(replace(inside, base_dn=realm.unit_dn))
        yield KeycloakHarness(server, under, realm)
        if under is not None:
            under.close()


def found_of(target: StateTarget, asked: Sequence[tuple[Desired, str | None]]) -> Sequence[Found]:
    return target.find([Asked(desired, remote_id) for desired, remote_id in asked])
