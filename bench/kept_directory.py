"""Directories with very many accounts, made once by `fill_directory` and kept outside git (.bench-directory-NUMBER).

Over LDAP 100,000 accounts would take hours, so what is made in minutes is kept, and made anew only when the registry
wants other entries than it did then. What a benchmark writes to one is undone afterwards. The registry beside it is
filled afresh each time: agencies, accounts, bindings and the hashes of what was written, as if the worker had made
every entry.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import ldap3
import sqlalchemy as sa
from ldap3.utils.dn import escape_rdn

from bench.harness import migrated
from bench.made_up_accounts import APPROVED_AT, add_officials, homes, officials
from bench.raw_ldap import CLASSES, MARK, connected, values_of
from hufu_registry.accounts.model import Account
from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.use_cases import ImportList, import_list
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Binding
from hufu_registry.sync.model.desired import DirectorySchema
from hufu_registry.sync.model.plan import Desired, plan
from hufu_registry.sync.store import bindings
from hufu_stack.directory import Directory
from hufu_stack.layout import BASE_DN, Profile, profile
from hufu_stack.stack import Stack
from hufu_sync.desired_state import TargetConfig, desired_of
from hufu_sync.targets.dn import domain_name

PLACES = 2_000
CHUNK = 5_000
DEBIANS_PYTHON = "/usr/bin/python3"
PAGE = 1_000
READ_ALWAYS = ("objectGUID", MARK, "userAccountControl", "pwdLastSet", "lockoutTime", "adminCount")
CONFIG = TargetConfig(Target.AD, with_directory=True, schema=DirectorySchema(domain_name(BASE_DN)))


@dataclass(frozen=True, slots=True)
class Entry:
    """What the worker would have made: the object as it was wanted, and its DN."""

    key: OutboxKey
    desired: Desired
    dn: str
    above: str

    @property
    def ldif(self) -> str:
        """One request's worth: the attributes that the worker writes, without the password."""
        lines = [_line("dn", self.dn), *(f"objectClass: {name}" for name in CLASSES[self.key.kind])]
        lines += [_line(name, value) for name, value in sorted(values_of(self.desired).items())]
        return "\n".join(lines) + "\n"


def _line(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


class FilledDirectory(Directory):
    """A directory whose stopped server's files are written to."""

    @property
    def _aside(self) -> Path:
        return self.folder.with_name("directory-untouched")

    def fill(self, entries: Sequence[Entry]) -> None:
        """Make it anew with these entries, unless exactly these are in it."""
        ldif = [entry.ldif for entry in entries]
        wanted = hashlib.sha256("\n".join(ldif).encode()).hexdigest()
        made_of = self.profile.folder / "made-of"
        if made_of.exists() and made_of.read_text() == wanted:
            return
        made_of.unlink(missing_ok=True)
        self.erase()
        self.ensure_certificate()
        self.prepare()
        print(f"  {self.profile.name}: making {len(ldif):,} entries, which takes minutes", flush=True)
        filler = str(Path(__file__).with_name("fill_directory.py"))
        self._run(DEBIANS_PYTHON, filler, self._database, str(self._config), given="\n".join(ldif))
        made_of.write_text(wanted)

    def set_aside(self) -> None:
        """Keep a copy of the stopped directory's files as they are."""
        part = self._aside.with_suffix(".part")
        self._run("rm", "--recursive", "--force", str(part))
        self._run("cp", "--archive", "--sparse=always", str(self.folder), str(part))
        self._run("mv", str(part), str(self._aside))

    def put_back(self) -> None:
        """Undo whatever was written since `set_aside`, also by a run that was killed."""
        if self._aside.exists():
            self._run("rm", "--recursive", "--force", str(self.folder))
            self._run("mv", str(self._aside), str(self.folder))


@dataclass(frozen=True, slots=True)
class Kept:
    """A running directory of `accounts`, and a registry that agrees with it.

    `read_s` is what a bare paged read of every entry took: the yardstick of whoever compares.
    """

    stack: Stack
    services: SqlServices
    accounts: Sequence[Account]
    read_s: float


def profile_of(count: int) -> Profile:
    return profile(f"bench-directory-{count}", 9380, 6)


@contextmanager
def kept_directory(count: int, *, to_write: bool = False) -> Iterator[Kept]:
    """Make it where it is missing, and start it with PostgreSQL; with `to_write` it is put back afterwards."""
    stack = Stack(profile_of(count))
    files = FilledDirectory(stack.profile)
    postgres = stack.server("postgres")
    stack.stop()
    files.put_back()
    postgres.erase()
    try:
        stack.start(["postgres"])
        with migrated(stack.profile) as services:
            import_list(ImportList((DATA / "GDS_2019.csv").read_bytes()), services, OPERATOR)
            accounts = list(officials(homes(services, PLACES), count))
            add_officials(services, accounts)
            entries = entries_of(services, accounts)
            files.fill(entries)
            if to_write:
                files.set_aside()
            stack.start(["directory"])
            ids, read_s = bare_read(stack.profile, entries)
            remember(services, entries, ids)
            yield Kept(stack, services, accounts, read_s)
    finally:
        stack.stop()
        files.put_back()
        postgres.erase()


def entries_of(services: SqlServices, accounts: Sequence[Account]) -> list[Entry]:
    """The agencies from the top down, then the accounts, as the worker's own reading wants them."""
    paths = sorted({account.agency_path.ids[:depth] for account in accounts for depth in range(1, 20)}, key=len)
    keys = [OutboxKey(Target.AD, Kind.AGENCY, str(path[-1])) for path in dict.fromkeys(paths)]
    keys += [OutboxKey(Target.AD, Kind.ACCOUNT, str(account.id)) for account in accounts]
    with services.begin() as work:
        # Until there are entries, each object's own number stands for what will be its id there.
        bind(work, {key: Binding(f"{key.kind}:{key.object_id}", "") for key in keys})
        wanted: dict[OutboxKey, Desired] = {}
        for first in range(0, len(keys), CHUNK):
            for key, snapshot in desired_of(work, keys[first : first + CHUNK], CONFIG).items():
                assert snapshot.desired is not None
                wanted[key] = snapshot.desired
        work.connection.execute(sa.delete(bindings))
    dns: dict[str | None, str] = {None: BASE_DN}
    entries = []
    for key in keys:
        desired = wanted[key]
        above = dns[desired.place]
        rdn = "OU" if key.kind is Kind.AGENCY else "CN"
        dn = f"{rdn}={escape_rdn(desired.name)},{above}"
        dns[f"{key.kind}:{key.object_id}"] = dn
        entries.append(Entry(key, desired, dn, above))
    return entries


def bare_read(profile: Profile, entries: Sequence[Entry]) -> tuple[dict[str, str], float]:
    """DN in small letters → objectGUID of every entry, and how many seconds ldap3 alone takes to read them whole."""
    names = sorted({*READ_ALWAYS, *(name for entry in entries for name in entry.desired.fields)})
    guids: dict[str, str] = {}
    with connected(profile) as connection:
        start = time.perf_counter()
        for raw in connection.extend.standard.paged_search(
            BASE_DN, f"({MARK}=hufu:*)", ldap3.SUBTREE, attributes=names, paged_size=PAGE, generator=True
        ):
            if raw["type"] == "searchResEntry":
                guids[raw["dn"].casefold()] = str(UUID(bytes_le=raw["raw_attributes"]["objectGUID"][0]))
        return guids, time.perf_counter() - start


def remember(services: SqlServices, entries: Sequence[Entry], ids: Mapping[str, str]) -> None:
    """Bindings and hashes, as the worker would have kept them."""

    def hash_of(field: str, value: str) -> str:
        return services.keys.index(f"sync:{Target.AD.value}:{field}", value)

    within = {entry.dn: ids[entry.dn.casefold()] for entry in entries if entry.key.kind is Kind.AGENCY}
    with services.begin() as work:
        bind(work, {each.key: Binding(ids[each.dn.casefold()], each.dn, within.get(each.above)) for each in entries})
        with copying(work, "written_fields", "field", "hash", "written_at") as write:
            for entry in entries:
                desired = replace(entry.desired, place=within.get(entry.above))
                for field, digest in plan(desired, None, {}, hash_of).written.items():
                    write(entry.key, field, digest, APPROVED_AT)


def bind(work: SqlWork, bound: Mapping[OutboxKey, Binding]) -> None:
    with copying(work, "bindings", "remote_id", "address", "parent_id", "bound_at") as write:
        for key, binding in bound.items():
            write(key, binding.remote_id, binding.address, binding.parent_id, APPROVED_AT)


@contextmanager
def copying(work: SqlWork, table: str, *columns: str) -> Iterator[Callable[..., None]]:
    """COPY into a table of the sync engine: key and further columns of a row at a time."""
    names = ", ".join(("target", "kind", "object_id", *columns))
    with work.connection.connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        yield lambda key, *values: copy.write_row((key.target.value, key.kind.value, key.object_id, *values))
