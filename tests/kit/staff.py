"""Accounts, rights and outbox rows for tests of what happens to many of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import open_account
from hufu_registry.agencies.model import Agency, AgencyKind, Key, Node
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import cases
from hufu_registry.features import FEATURES
from hufu_registry.kernel.actor import SYSTEM, Actor, account_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Permission, Role
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.rights.model import Grant
from hufu_registry.rights.use_cases import grant_role
from hufu_registry.sync.model import Binding
from tests.kit.accounts import an_account


@dataclass
class Staff:
    """Makes people with accounts, and looks at what became of them."""

    services: SqlServices

    @property
    def today(self) -> date:
        return taipei_date(self.services.clock.now())

    def hire(
        self, agency: Agency, number: int = 1, *, state: AccountState = AccountState.ENABLED, **profile: Any
    ) -> list[AccountId]:
        """That many new accounts at the agency."""
        made = [an_account(agency, created_at=self.services.clock.now(), **profile) for _ in range(number)]
        with self.services.begin(SYSTEM) as work:
            for account in made:
                open_account(work, self.services, account)
        ids = [account.id for account in made]
        self.put_in_state(state, *ids)
        return ids

    def put_in_state(self, state: AccountState, *account_ids: AccountId) -> None:
        """Whatever was before, and without its consequences."""
        with self.services.begin(SYSTEM) as work:
            work.connection.execute(sa.update(accounts).where(accounts.c.id.in_(account_ids)).values(state=state.value))

    def appoint(self, account_id: AccountId, agency: Agency | None, *, subordinates: bool = False) -> None:
        """A manager of the agency, or a system manager."""
        role = Role.SYSTEM_MANAGER if agency is None else Role.AGENCY_MANAGER
        with self.services.begin(SYSTEM) as work:
            place = None if agency is None else agency.id
            grant_role(work, self.services, account_id, role, place, with_subordinates=subordinates)

    def system_manager(self, agency: Agency) -> Actor:
        (account_id,) = self.hire(agency)
        self.appoint(account_id, None)
        return account_actor(account_id)

    def account(self, account_id: AccountId) -> Account:
        with self.services.begin(SYSTEM) as work:
            return work.accounts.get(account_id)

    def states(self, account_ids: Sequence[AccountId]) -> set[AccountState]:
        return {self.account(account_id).state for account_id in account_ids}

    def agency(self, agency: Agency) -> Agency:
        with self.services.begin(SYSTEM) as work:
            return work.agencies.get(agency.id)

    def grants(self, account_id: AccountId) -> Sequence[Grant]:
        with self.services.begin(SYSTEM) as work:
            return work.grants.standing([account_id])

    def settle(self) -> None:
        """As if the worker had done all there is to do."""
        with self.services.begin(SYSTEM) as work:
            work.connection.execute(
                sa.update(outbox).values(applied_generation=outbox.c.generation, applied_at=self.services.clock.now())
            )
            keys = [(row.target, row.kind, row.object_id) for row in work.connection.execute(sa.select(outbox))]
        with self.services.begin(SYSTEM) as work:
            work.bindings.bind(
                {
                    OutboxKey(Target(target), Kind(kind), object_id): Binding(f"{target}-{kind}-{object_id}", "")
                    for target, kind, object_id in keys
                    if kind != Kind.NOTICE
                }
            )

    def unfinished(self) -> set[OutboxKey]:
        with self.services.read() as connection:
            rows = connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation)).all()
        return {OutboxKey(Target(row.target), Kind(row.kind), row.object_id) for row in rows}

    def bulk(self) -> set[bool]:
        """Whether the unfinished work may be overtaken."""
        with self.services.read() as connection:
            return set(
                connection.execute(
                    sa.select(outbox.c.bulk).where(outbox.c.generation > outbox.c.applied_generation)
                ).scalars()
            )

    def acts(self, account_id: AccountId) -> list[tuple[str, str, str]]:
        """(kind, target, state) in order."""
        with self.services.read() as connection:
            rows = connection.execute(
                sa.select(one_time_actions)
                .where(one_time_actions.c.account_id == account_id)
                .order_by(one_time_actions.c.number)
            )
            return [(row.kind, row.target, row.state) for row in rows]

    def recorded(self, *actions: str) -> list[str]:
        """The audit's actions in order; only these, where some are named."""
        with self.services.read() as connection:
            recorded = connection.execute(sa.select(audit_records.c.action).order_by(audit_records.c.id)).scalars()
            return [action for action in recorded if not actions or action in actions]


def account_keys(*account_ids: AccountId) -> set[OutboxKey]:
    return _keys(Kind.ACCOUNT, account_ids)


def agency_keys(*agency_ids: AgencyId) -> set[OutboxKey]:
    return _keys(Kind.AGENCY, agency_ids)


def _keys(kind: Kind, ids: Sequence[object]) -> set[OutboxKey]:
    return {OutboxKey(target, kind, str(object_id)) for target in (Target.AD, Target.KEYCLOAK) for object_id in ids}


@contextmanager
def only_looking() -> Iterator[None]:
    """While it lasts, managers of agencies are a role that may only look: every other permission is taken from them."""
    taken = [asked for feature in FEATURES for asked in feature.permissions if not asked.name.startswith("see_")]
    roles = [permission.roles for permission in taken]
    try:
        for permission in taken:
            object.__setattr__(permission, "roles", permission.roles - {Role.AGENCY_MANAGER})
        yield
    finally:
        for permission, before in zip(taken, roles, strict=True):
            object.__setattr__(permission, "roles", before)


@contextmanager
def given_to(role: Role, *permissions: Permission) -> Iterator[None]:
    """While it lasts, the role has these, too."""
    before = [permission.roles for permission in permissions]
    try:
        for permission in permissions:
            object.__setattr__(permission, "roles", permission.roles | {role})
        yield
    finally:
        for permission, roles in zip(permissions, before, strict=True):
            object.__setattr__(permission, "roles", roles)


def open_case(services: SqlServices, agency: Agency, kind: str = "activation") -> UUID:
    """A case that waits, as far as agencies can see."""
    case_id = uuid4()
    with services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.insert(cases).values(
                id=case_id, number=work.cases.next_number(), type=kind, state="pending",
                agency_id=agency.id, agency_path=agency.path.text, subject="李小華", detail="科員",
                account_name="someone1", unit_name="", search_text="", person_keys=[], form_sealed="",
                mailbox_sealed="", mailbox_key=str(case_id), language="zh_Hant_TW", consent_version="1",
                form_key=str(case_id), created_at=work.now, updated_at=work.now, version=1,
                deciding_agency_id=work.cases.deciding_agency(agency.id, work.case_types[kind].decides),
            )
        )  # fmt: skip
    return case_id


def grow(services: SqlServices, chain: Sequence[Agency], dice: random.Random) -> None:
    """Hang eight more agencies anywhere below the first."""
    with services.begin() as work:
        nodes: dict[Key, Node] = dict(work.agencies.nodes().items())
        below = [key for key in nodes if int(str(key)) in {agency.id for agency in chain}]
        for number in range(8):
            oid = f"2.16.886.101.29998.{20001 + number}"
            nodes[oid] = Node(oid, dice.choice(below), AgencyKind.AGENCY, f"測試室{number}", oid=oid)
            below.append(oid)
        work.agencies.take_over(nodes, ())


def crowd(services: SqlServices, parent: Agency, number: int = 101) -> None:
    """Hang so many agencies right below it that they fill more than a page."""
    with services.begin() as work:
        nodes: dict[Key, Node] = dict(work.agencies.nodes().items())
        for arc in range(20001, 20001 + number):
            oid = f"2.16.886.101.29997.{arc}"
            nodes[oid] = Node(oid, parent.id, AgencyKind.AGENCY, f"分局{arc - 20001}", oid=oid)
        work.agencies.take_over(nodes, ())
