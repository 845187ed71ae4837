"""A small government on a running stack: what people do to its accounts, and what the registry tells of them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import requests
import sqlalchemy as sa

import hufu_registry.accounts.use_cases as lifecycle
import hufu_registry.propagation.use_cases as propagation
from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Agency, AgencyKind, Key, Node
from hufu_registry.agencies.use_cases import Move, Rename, move, rename
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import outbox
from hufu_registry.rights.use_cases import grant_role
from hufu_registry.sync import use_cases as sync
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.store import account_story
from hufu_stack.demo import DATA, registry_of
from hufu_stack.stack import Stack
from tests.kit.accounts import an_account
from tests.kit.faults.independent_readers import DirectoryReader, KeycloakReader
from tests.kit.guard import transfer_account

AGENCY = "2.16.886.101.20003.20001.20003"
ABOVE = "2.16.886.101.20003.20001"
PATIENCE = 60.0
REASON = "faults"


@dataclass
class Office:
    """`agencies` are those founded here, by name; `expected` counts the audit records people's acts have left."""

    stack: Stack
    services: SqlServices
    keycloak: KeycloakReader
    directory: DirectoryReader | None
    names: dict[AccountId, str] = field(default_factory=dict)
    agencies: dict[str, AgencyId] = field(default_factory=dict)
    managers: list[AccountId] = field(default_factory=list)
    expected: dict[AccountId | AgencyId, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    # Its agencies and managers.

    def found(self, *names: str) -> None:
        """New agencies side by side below one of their own, called by these names and one more by "top"."""
        tag = uuid4().int % 10**6
        with self.services.begin(OPERATOR) as work:
            above = work.agencies.find_by_oid(ABOVE)
            assert above is not None
            nodes: dict[Key, Node] = dict(work.agencies.nodes().items())
            top = f"{ABOVE}.1{tag:06}"
            nodes[top] = Node(top, above.id, AgencyKind.AGENCY, f"虎符試辦處{tag:06}", oid=top)
            for number, name in enumerate(names, 1):
                oid = f"{top}.{20000 + number}"
                nodes[oid] = Node(oid, top, AgencyKind.AGENCY, f"{name}{tag:06}", oid=oid)
            ids = work.agencies.take_over(nodes, ()).ids
        self.agencies = {"top": ids[top]} | {
            name: ids[f"{top}.{20000 + number}"] for number, name in enumerate(names, 1)
        }

    def appoint(self, count: int) -> None:
        """Managers of everything that was founded, with accounts at its top."""
        for _ in range(count):
            account_id = self.approve("top")
            with self.services.begin(SYSTEM) as work:
                top = self.agencies["top"]
                grant_role(work, self.services, account_id, Role.AGENCY_MANAGER, top, with_subordinates=True)
            self.expected[account_id]["grant.given"] += 1
            self.managers.append(account_id)

    def agency(self, name: str) -> Agency:
        """One founded here, or by its OID."""
        with self.services.begin(SYSTEM) as work:
            if name in self.agencies:
                return work.agencies.get(self.agencies[name])
            found = work.agencies.find_by_oid(name)
            assert found is not None
            return found

    # What people do.

    def approve(self, agency: str = AGENCY, *, account_name: str = "") -> AccountId:
        """What approving a case does for its account."""
        home = self.agency(agency)
        with self.services.begin(SYSTEM) as work:
            name = account_name or f"f{uuid4().hex[:10]}"
            account = an_account(
                home,
                account_name=name,
                created_at=work.now,
                mailbox=f"{name}@home.test",
                phone="02-00000000",
                mobile="0900000000",
                unit_name="秘書室",
            )
            lifecycle.open_account(work, self.services, account)
        self.names[account.id] = name
        self.expected[account.id]["account.opened"] += 1
        return account.id

    def account(self, account_id: AccountId) -> Account:
        with self.services.begin(SYSTEM) as work:
            return work.accounts.get(account_id)

    def change(self, account_id: AccountId, *, manager: int = 0, version: int | None = None, **fields: Any) -> None:
        """One of the managers mends its data, as he saw it."""
        account = self.account(account_id)
        profile = replace(account.profile, **fields)
        command = lifecycle.ChangeAccount(account_id, account.version if version is None else version, profile)
        lifecycle.change_account(command, self.services, account_actor(self.managers[manager]))
        if profile != account.profile:
            self.expected[account_id]["account.changed"] += 1

    def activate(self, account_id: AccountId) -> None:
        if lifecycle.activate_account(account_id, self.services, SYSTEM):
            self.expected[account_id]["account.activated"] += 1

    def disable(self, account_id: AccountId) -> None:
        lifecycle.disable_account(account_id, self.services, self._somebody, reason=REASON)
        self.expected[account_id]["account.disabled"] += 1

    def restore(self, account_id: AccountId) -> None:
        lifecycle.restore_account(account_id, self.services, self._somebody, reason=REASON)
        self.expected[account_id]["account.restored"] += 1

    def delete(self, account_id: AccountId) -> None:
        lifecycle.delete_account(account_id, self.services, self._somebody, reason=REASON)
        self.expected[account_id]["account.deleted"] += 1

    def transfer(self, account_id: AccountId, agency: str) -> None:
        transfer_account(account_id, self.agency(agency).id, self.services, OPERATOR)
        self.expected[account_id]["account.transferred"] += 1

    def unlock(self, account_id: AccountId) -> None:
        lifecycle.unlock_account(account_id, self.services, self._somebody)

    def resend(self, account_id: AccountId) -> None:
        lifecycle.resend_activation(account_id, self.services, self._somebody)
        self.expected[account_id]["account.activation_resent"] += 1

    def rename_agency(self, agency: str, name: str) -> None:
        found, today = self.agency(agency), taipei_date(self.services.clock.now())
        rename(Rename(found.id, found.version, name, today), self.services, OPERATOR)

    def move_agency(self, agency: str, parent: str) -> None:
        found, today = self.agency(agency), taipei_date(self.services.clock.now())
        command = Move(found.id, found.version, self.agency(parent).id, today)
        move(command, self.services, OPERATOR)

    def retry_now(self, account_id: AccountId, target: Target) -> None:
        sync.retry_now(self.key(account_id, target), self.services, OPERATOR)

    def make_again(self, account_id: AccountId, target: Target) -> None:
        sync.make_again(self.key(account_id, target), self.services, OPERATOR)

    @property
    def _somebody(self) -> Actor:
        return account_actor(self.managers[0]) if self.managers else OPERATOR

    # What the registry tells.

    @staticmethod
    def key(account_id: AccountId, target: Target) -> OutboxKey:
        return OutboxKey(target, Kind.ACCOUNT, str(account_id))

    def row(self, key: OutboxKey) -> sa.Row[Any]:
        with self.services.read() as connection:
            return connection.execute(
                sa.select(outbox).where(
                    outbox.c.target == key.target.value,
                    outbox.c.kind == key.kind.value,
                    outbox.c.object_id == key.object_id,
                )
            ).one()

    def is_parked(self, account_id: AccountId, target: Target, code: Code) -> bool:
        row = self.row(self.key(account_id, target))
        return row.parked_at is not None and row.error == code.value

    def is_done(self, account_id: AccountId) -> bool:
        """In every target; a row is done only when its acts are."""
        targets = propagation.targets(self.services)
        rows = [self.row(self.key(account_id, target)) for target in targets]
        return all(row.generation == row.applied_generation for row in rows)

    def waiting(self) -> list[str]:
        """Every unfinished row about what was founded here, in any target, as text."""
        ids = [str(each) for each in (*self.known_below("top"), *self.agencies.values())]
        with self.services.read() as connection:
            rows = connection.execute(
                sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation, outbox.c.object_id.in_(ids))
            )
            return [f"{row.target} {row.kind} {row.object_id} {row.error_class} {row.error}" for row in rows]

    def step(self, account_id: AccountId, name: StepName) -> tuple[StepState, Code | None]:
        with self.services.read() as connection:
            story = account_story(connection, account_id)
        return next((step.state, step.code) for step in story if step.step is name)

    def mail_is_sent(self, account_id: AccountId) -> bool:
        return self.step(account_id, StepName.MAIL)[0] is StepState.DONE

    def mails(self, account_id: AccountId) -> list[dict[str, Any]]:
        """The activation mails that really arrived."""
        url = f"http://127.0.0.1:{self.stack.profile.port('mail-http')}/api/messages"
        to = f"{self.names[account_id]}@home.test"
        found: list[dict[str, Any]] = requests.get(url, params={"to": to}, timeout=10).json()
        return found

    def records(self, object_id: AccountId | AgencyId) -> dict[str, int]:
        """How often what was recorded of an account or an agency."""
        with self.services.read() as connection:
            rows = connection.execute(
                sa.select(audit_records.c.action, sa.func.count())
                .where(audit_records.c.object_id == str(object_id))
                .group_by(audit_records.c.action)
            )
            return {row[0]: row[1] for row in rows}

    def known_below(self, agency: str) -> list[AccountId]:
        """Every account the registry has at this agency or below it."""
        path = self.agency(agency).path.text
        with self.services.read() as connection:
            rows = connection.execute(
                sa.select(accounts.c.id).where(
                    sa.or_(accounts.c.agency_path == path, accounts.c.agency_path.startswith(f"{path}."))
                )
            )
            return [AccountId(UUID(str(row.id))) for row in rows]

    # What the servers hold.

    def in_directory(self, account_id: AccountId) -> list[str]:
        """The DNs of every object that says it is this account, anywhere in the domain."""
        assert self.directory is not None
        return [entry.dn for entry in self.directory.of_account(account_id)]

    def in_keycloak(self, account_id: AccountId) -> list[dict[str, Any]]:
        return self.keycloak.of_account(account_id, self.names[account_id])


@contextmanager
def office_on(stack: Stack) -> Iterator[Office]:
    services = registry_of(stack.profile)
    with services.begin(SYSTEM) as work:
        known = work.agencies.find_by_oid(AGENCY)
    if known is None:
        stack.run("registry", "hufu", "agencies", "import", str(DATA / "GDS_2019.csv"))
    directory = None if stack.profile.directory_address is None else DirectoryReader(stack.profile)
    try:
        yield Office(stack, services, KeycloakReader(stack.profile), directory)
    finally:
        services.engine.dispose()


def until(what: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until it is so, and not for ever. How long things take is measured in bench/, and asserted nowhere."""
    started = time.monotonic()
    while not what():
        assert time.monotonic() - started < patience, "it did not come about in time"
        time.sleep(0.1)
