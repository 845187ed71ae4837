"""What the sync engine would have left behind, put into the registry's tables for the pages to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.exports.use_cases import RequestExport, Written, begin_export, finish_export, request_export
from hufu_registry.guard.model import Held
from hufu_registry.guard.use_cases import DisableAccounts, RenameAgency, submit
from hufu_registry.kernel.actor import SYSTEM, account_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model import Binding, Code, ErrorClass
from hufu_registry.sync.model.plan import Delete, SetEnabled, SetFields, Step
from hufu_registry.sync.model.plan_file import PlanFile, PlannedObject, Scope
from hufu_registry.sync.permissions import ADMINISTER_SYNC
from hufu_registry.sync.store import queue_samples
from hufu_registry.sync.store.plan_json import to_json
from hufu_registry.sync.use_cases import request_plan


def key_of(account_id: AccountId, target: Target = Target.AD) -> OutboxKey:
    return OutboxKey(target, Kind.ACCOUNT, str(account_id))


def is_row(key: OutboxKey) -> sa.ColumnElement[bool]:
    return sa.and_(outbox.c.target == key.target, outbox.c.kind == key.kind, outbox.c.object_id == key.object_id)


def all_done(services: SqlServices) -> None:
    """The worker has caught up."""
    with services.engine.begin() as connection:
        connection.execute(
            sa.update(outbox).values(applied_generation=outbox.c.generation, applied_at=services.clock.now())
        )


def park(services: SqlServices, key: OutboxKey, code: Code, error_class: ErrorClass = ErrorClass.REFUSED) -> None:
    """The worker has left the row to a person."""
    _put(services, key, attempts=1, error=code, error_class=error_class, parked_at=services.clock.now())


def retrying(services: SqlServices, key: OutboxKey, code: Code) -> None:
    next_at = services.clock.now() + timedelta(minutes=5)
    _put(services, key, attempts=3, error=code, error_class=ErrorClass.TRANSIENT, next_at=next_at)


def set_row(services: SqlServices, key: OutboxKey, **values: object) -> None:
    with services.begin(SYSTEM) as work:
        assert work.connection.execute(sa.update(outbox).where(is_row(key)).values(**values)).rowcount == 1


def gone(services: SqlServices, key: OutboxKey) -> None:
    """The worker found it gone in the directory, and left the row to a person."""
    set_row(
        services,
        key,
        error_class=ErrorClass.GONE.value,
        error=Code.GONE_IN_AD.value,
        attempts=1,
        parked_at=services.clock.now(),
    )


def _put(services: SqlServices, key: OutboxKey, **values: object) -> None:
    with services.begin(SYSTEM) as work:
        work.outbox.enqueue(key)
    set_row(services, key, **values)


def stands(services: SqlServices, key: OutboxKey) -> None:
    """The worker has made it there."""
    with services.begin(SYSTEM) as work:
        work.bindings.bind({key: Binding(key.object_id, "")})


def drifted(services: SqlServices, key: OutboxKey, **fields: tuple[str, str]) -> None:
    """A comparison found these fields changed: what is there, what is wanted."""
    with services.begin(SYSTEM) as work:
        work.drift.remember({key: fields})


def sampled(services: SqlServices, target: Target, figures: Sequence[tuple[datetime, int, int, int, int]]) -> None:
    """The relay's notes: moment, waiting, retrying, parked, done."""
    names = ("at", "waiting", "retrying", "parked", "done")
    rows = [dict(zip(names, row, strict=True)) | {"target": target.value} for row in figures]
    with services.engine.begin() as connection:
        connection.execute(sa.insert(queue_samples), rows)


def planned(services: SqlServices, asker: AccountId, account: Account, *, destructive: bool = True) -> UUID:
    """A plan that was asked for, and is made: a title is written, and (if so) Keycloak loses the account."""
    run_id = request_plan(None, account.id, services, account_actor(asker))
    title: Step = SetFields((("title", '=HYPERLINK("http://example.org")', "科員"),))
    loss: tuple[Step, ...] = (SetEnabled(before=True, after=False), Delete("users/x")) if destructive else ()
    plan = PlanFile(
        version="0.1.0",
        registry_id=uuid4(),
        scope=Scope(account_id=account.id),
        made_at=services.clock.now(),
        looked_at=2,
        objects=(
            PlannedObject(key_of(account.id), account.account_name, "", (title,), (("mobile", "1", "2"),)),
            *([PlannedObject(key_of(account.id, Target.KEYCLOAK), account.account_name, "", loss)] if loss else []),
            PlannedObject(key_of(AccountId(uuid4())), "waits", code=Code.WAITS_FOR_AGENCY),
        ),
    )
    with services.begin(SYSTEM) as work:
        work.runs.set_body(run_id, to_json(plan))
        work.runs.progress(run_id, objects=2, differing=1)
        work.runs.finish(run_id)
    return run_id


def held_rename(services: SqlServices, asker: AccountId, agency: Agency) -> UUID:
    """A new name for an agency with accounts, held because nobody may give it alone."""
    strict = replace(services, policy=replace(services.policy, guard_most=0))
    today = taipei_date(services.clock.now())
    outcome = submit(RenameAgency(agency.id, None, f"{agency.name}（新）", today), strict, account_actor(asker))
    assert isinstance(outcome, Held)
    return outcome.held_id


def held(services: SqlServices, asker: AccountId, losing: Sequence[Account], *, most: int = 1) -> UUID:
    """A set that is held: these accounts would be disabled, and no more than `most` are without a second person."""
    strict = replace(services, policy=replace(services.policy, guard_most=most))
    command = DisableAccounts(tuple(account.id for account in losing), "機關裁撤")
    outcome = submit(command, strict, account_actor(asker))
    assert isinstance(outcome, Held)
    return outcome.held_id


def exported(services: SqlServices, account_id: AccountId) -> UUID:
    """A spreadsheet of all work that the account asked for, and that is there."""
    wanted = RequestExport("sync.work_xlsx", "sync.work", ADMINISTER_SYNC, {"query": {}, "args": {}, "language": "en"})
    export = request_export(wanted, services, account_actor(account_id))
    begin_export(export.id, services, SYSTEM)
    finish_export(export.id, Written(b"PK", "work.xlsx", 1), ADMINISTER_SYNC, services, account_actor(account_id))
    return export.id


PAGE = Page(size=100)
