"""What the console shows of the sync engine's work. The account's story is read from the outbox, the bindings
and the acts themselves, so that it cannot tell anything else than what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_rows
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import PENDING_STATES, as_counted, capped, ordered, outbox, page_of, pending
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.sync.model import (
    BARS,
    Code,
    ErrorClass,
    InTarget,
    ProvisioningStep,
    RunKind,
    SignIn,
    StepName,
    StepState,
    TargetState,
    bars_in,
)
from hufu_registry.sync.model.plan import PLACE
from hufu_registry.sync.store.administration import code_of, refused_fields
from hufu_registry.sync.store.drift import DRIFT
from hufu_registry.sync.store.tables import (
    applied_steps,
    bindings,
    client_names,
    drifts,
    last_sign_ins,
    sign_in_records,
    sync_runs,
    target_health,
)


def account_story(connection: sa.Connection, account_id: AccountId) -> tuple[ProvisioningStep, ...]:
    """The steps of an account's way, in order; empty for an account that was never wanted anywhere."""
    rows = {Target(row.target): row for row in connection.execute(_rows_of(account_id))}
    if Target.KEYCLOAK not in rows:
        return ()
    health = {Target(row.target): row for row in connection.execute(sa.select(target_health))}
    keycloak = _target_step(StepName.KEYCLOAK, rows[Target.KEYCLOAK], health.get(Target.KEYCLOAK))
    steps = [keycloak]
    if Target.AD in rows:
        ad = _target_step(StepName.AD, rows[Target.AD], health.get(Target.AD))
        if ad.state is not StepState.DONE and keycloak.state is StepState.WAITING:
            steps = [ad, _waiting(StepName.KEYCLOAK, Code.WAITS_FOR_AD)]
        else:
            steps = [ad, keycloak]
    steps.append(_mail_step(connection, account_id, steps[-1], rows[Target.KEYCLOAK], health.get(Target.KEYCLOAK)))
    steps.append(_activated_step(connection, account_id, steps[-1]))
    return tuple(steps)


def _waiting(step: StepName, code: Code | None = None) -> ProvisioningStep:
    return ProvisioningStep(step, StepState.WAITING, code=code)


def _rows_of(account_id: AccountId) -> sa.Select[Any]:
    agency_row = outbox.alias("agency_row")
    agency_waits = (
        sa.select(sa.literal(1))
        .where(
            agency_row.c.target == outbox.c.target,
            agency_row.c.kind == Kind.AGENCY.value,
            agency_row.c.object_id == sa.cast(accounts.c.agency_id, sa.Text),
            pending(agency_row),
        )
        .correlate(outbox, accounts)
        .exists()
    )
    return (
        sa.select(outbox, bindings.c.bound_at, agency_waits.label("agency_waits"))
        .select_from(outbox)
        .join(accounts, accounts.c.id == account_id)
        .outerjoin(
            bindings,
            sa.and_(
                bindings.c.target == outbox.c.target,
                bindings.c.kind == outbox.c.kind,
                bindings.c.object_id == outbox.c.object_id,
            ),
        )
        .where(outbox.c.kind == Kind.ACCOUNT.value, outbox.c.object_id == str(account_id))
    )


def _is_pending(row: Any) -> bool:
    """`kernel.store.pending` of a row that was read."""
    return bool(row.generation > row.applied_generation)


def _is_paused(health: Any) -> bool:
    return health is not None and health.paused_at is not None


def _target_step(step: StepName, row: Any, health: Any) -> ProvisioningStep:
    paused = _is_paused(health)
    is_pending = _is_pending(row)
    error_class = ErrorClass(row.error_class) if is_pending and row.error_class else None
    code = code_of(row.error) if error_class and row.error else None
    if row.bound_at is not None and (not is_pending or error_class is None):
        because = Code.TARGET_PAUSED if is_pending and paused else None
        return ProvisioningStep(step, StepState.DONE, at=row.bound_at, pending=is_pending, code=because)
    if not is_pending:
        # Done without an object: the account was deleted before it was ever made there.
        return ProvisioningStep(step, StepState.DONE, at=row.applied_at)
    if error_class is None and paused:
        return ProvisioningStep(step, StepState.WAITING, code=Code.TARGET_PAUSED, pending=True)
    if error_class is None and health is not None and health.failing_since is not None:
        # Not tried itself: the whole target is away, or refuses us.
        return ProvisioningStep(
            step,
            StepState.RETRYING,
            code=code_of(health.error),
            error_class=ErrorClass(health.error_class),
            pending=True,
        )
    if error_class is None:
        return _waiting(step, Code.WAITS_FOR_AGENCY if row.agency_waits else None)
    parked = row.parked_at is not None
    if step is StepName.KEYCLOAK and row.bound_at is not None and code is Code.ACTIVATION_MAIL_NOT_SENT:
        return ProvisioningStep(step, StepState.DONE, at=row.bound_at)
    return ProvisioningStep(
        step,
        StepState.PARKED if parked else StepState.RETRYING,
        at=row.bound_at,
        code=code or Code.UNEXPECTED,
        error_class=error_class,
        attempts=row.attempts,
        next_at=None if parked or paused else row.next_at,
        pending=True,
        fields=refused_fields(row),
    )


def _mail_step(
    connection: sa.Connection, account_id: AccountId, before: ProvisioningStep, row: Any, health: Any
) -> ProvisioningStep:
    action = connection.execute(
        sa.select(one_time_actions)
        .where(one_time_actions.c.account_id == account_id, one_time_actions.c.kind == ActionKind.ACTIVATION_MAIL.value)
        .order_by((one_time_actions.c.state == ActionState.WAITING.value).desc(), one_time_actions.c.number.desc())
        .limit(1)
    ).one_or_none()
    if action is None:
        return _waiting(StepName.MAIL)
    if action.state == ActionState.DONE.value:
        return ProvisioningStep(StepName.MAIL, StepState.DONE, at=action.done_at, times=action.times)
    if before.state is not StepState.DONE:
        return _waiting(StepName.MAIL, Code.WAITS_FOR_KEYCLOAK)
    if row.error_class and _is_pending(row):
        return ProvisioningStep(
            StepName.MAIL,
            StepState.RETRYING,
            code=code_of(row.error),
            error_class=ErrorClass(row.error_class),
            attempts=row.attempts,
            next_at=None if _is_paused(health) else row.next_at,
            times=action.times,
        )
    return ProvisioningStep(StepName.MAIL, StepState.WAITING, times=action.times)


def _activated_step(connection: sa.Connection, account_id: AccountId, mail: ProvisioningStep) -> ProvisioningStep:
    row = connection.execute(
        sa.select(accounts.c.state, accounts.c.activated_at).where(accounts.c.id == account_id)
    ).one()
    if row.state == AccountState.NOT_ACTIVATED.value or row.activated_at is None:
        sent = mail.state is StepState.DONE
        return _waiting(StepName.ACTIVATED, Code.WAITS_FOR_PERSON if sent else None)
    return ProvisioningStep(StepName.ACTIVATED, StepState.DONE, at=row.activated_at)


def account_in_targets(connection: sa.Connection, keys: Keys, account_id: AccountId) -> tuple[InTarget, ...]:
    """Where the account is, Active Directory first."""
    of_account = sa.and_(bindings.c.kind == Kind.ACCOUNT.value, bindings.c.object_id == str(account_id))
    same = [bindings.c.target == outbox.c.target, bindings.c.kind == outbox.c.kind]
    everybody = sa.select(sa.func.max(sync_runs.c.started_at)).where(
        sync_runs.c.kind == RunKind.COMPARISON.value,
        sync_runs.c.target == bindings.c.target,
        sync_runs.c.finished_at.is_not(None),
    )
    last_compared = everybody.correlate(bindings).scalar_subquery()
    rows = connection.execute(
        sa.select(
            bindings,
            outbox.c.applied_at,
            pending().label("pending"),
            target_health.c.paused_at,
            last_compared.label("all_at"),
        )
        .outerjoin(outbox, sa.and_(*same, bindings.c.object_id == outbox.c.object_id))
        .outerjoin(target_health, target_health.c.target == bindings.c.target)
        .where(of_account)
        .order_by(bindings.c.target)
    ).all()
    differing: dict[str, list[Any]] = {}
    for drift in connection.execute(
        sa.select(drifts)
        .where(drifts.c.kind == Kind.ACCOUNT.value, drifts.c.object_id == str(account_id))
        .order_by(drifts.c.field)
    ):
        differing.setdefault(drift.target, []).append(drift)
    return tuple(_in_target(row, differing.get(row.target, ()), keys) for row in rows)


def _in_target(row: Any, differing: Sequence[Any], keys: Keys) -> InTarget:
    told = {drift.field: keys.open(DRIFT, drift.there_sealed) for drift in differing if drift.field in {BARS, PLACE}}
    seen = [drift.seen_at for drift in differing]
    return InTarget(
        target=Target(row.target),
        remote_id=row.remote_id,
        since=min((drift.since for drift in differing), default=row.bound_at),
        compared_at=max(at for at in (row.applied_at, row.all_at, row.bound_at, *seen) if at is not None),
        drift=tuple(drift.field for drift in differing),
        bars=bars_in(told.get(BARS, "")),
        # An address, where it is none of our agencies.
        elsewhere=told[PLACE] if "=" in told.get(PLACE, "") else "",
        pending=bool(row.pending),
        paused=row.paused_at is not None,
    )


LET_IN = sa.and_(sign_in_records.c.type == "LOGIN", sign_in_records.c.error == "")


def sign_ins(
    connection: sa.Connection, account_id: AccountId, page: Page, *, sort: Sort | None = None
) -> Paged[SignIn]:
    """What Keycloak saw of the account, newest first unless sorted."""
    all_of = sa.select(sign_in_records.c.event_id).where(sign_in_records.c.account_id == account_id)
    return page_of(connection, SignIn, _sign_ins(account_id, sort), page, all_of=all_of)


def last_sign_in(connection: sa.Connection, account_id: AccountId) -> SignIn | None:
    """The newest that let somebody in."""
    done = _sign_ins(account_id).where(LET_IN).limit(1)
    return next(iter(from_rows(SignIn, connection.execute(done))), None)


SIGN_INS_SORTED_BY = {
    "at": sign_in_records.c.at,
    "what": sign_in_records.c.type,
    "client": client_names.c.name,
    "address": sign_in_records.c.address,
}


def last_sign_in_at(connection: sa.Connection, account_id: AccountId) -> datetime | None:
    """When that was, also where its record is gone."""
    query = sa.select(last_sign_ins.c.at).where(last_sign_ins.c.account_id == account_id)
    return connection.execute(query).scalar_one_or_none()


def _sign_ins(account_id: AccountId, sort: Sort | None = None) -> sa.Select[Any]:
    names = (
        sa.func.coalesce(client_names.c.name, "").label("client_name"),
        sa.func.coalesce(client_names.c.name_en, "").label("client_name_en"),
    )
    return (
        sa.select(sign_in_records, *names)
        .outerjoin(client_names, client_names.c.client == sign_in_records.c.client)
        .where(sign_in_records.c.account_id == account_id)
        .order_by(*ordered(sort, SIGN_INS_SORTED_BY, (sign_in_records.c.at.desc(), sign_in_records.c.event_id)))
    )


def target_states(connection: sa.Connection) -> tuple[TargetState, ...]:
    """Health and queue of every target there ever was work for, or trouble with; by the database's clock.

    Each state of work is counted to MOST_COUNTED and no further: the console asks every few seconds, the relay too.
    """
    return tuple(_target_state(row) for row in connection.execute(_targets()))


def _targets() -> sa.Select[Any]:
    """Each target with its health, its queue, and what was done there lately."""
    names = sa.func.unnest(sa.literal([target.value for target in Target], sa.ARRAY(sa.Text)))
    target = names.table_valued("name", with_ordinality="position").render_derived()
    # In the order of the key, so that its index is read: of a target that never was, the whole table would be.
    key = (outbox.c.kind, outbox.c.object_id)
    ever = sa.select(sa.literal(1)).where(outbox.c.target == target.c.name).order_by(*key).limit(1)
    # Not capped: as many as a target does in a minute, and as the guard lets it take away in an hour.
    rate = sa.select(sa.func.count()).where(
        outbox.c.target == target.c.name, outbox.c.applied_at > sa.func.now() - timedelta(minutes=1)
    )
    destructive = sa.select(sa.func.count()).where(
        applied_steps.c.target == target.c.name,
        applied_steps.c.destructive,
        applied_steps.c.at > sa.func.now() - timedelta(hours=1),
    )
    queues = {name: _queue(target, such).lateral(name) for name, such in PENDING_STATES.items()}
    joined = target.outerjoin(target_health, target_health.c.target == target.c.name)
    for queue in queues.values():
        joined = joined.join(queue, sa.true())
    return (
        sa.select(
            target.c.name,
            target_health,
            *(queue.c.number.label(name) for name, queue in queues.items()),
            sa.func.least(queues["waiting"].c.oldest_at, queues["retrying"].c.oldest_at).label("oldest_at"),
            rate.scalar_subquery().label("rate"),
            destructive.scalar_subquery().label("destructive_last_hour"),
        )
        .select_from(joined)
        .where(sa.or_(target_health.c.target.is_not(None), ever.scalar_subquery().is_not(None)))
        .order_by(target.c.position)
    )


def _queue(target: sa.FromClause, such: sa.ColumnElement[bool]) -> sa.Select[int, datetime]:
    """How many such pending rows the target has, as far as they are counted, and since when the oldest is there."""
    rows = (
        sa.select(outbox.c.requested_at)
        .where(outbox.c.target == target.c.name, pending(), such)
        # In the order of the state's index, so that it is read whatever PostgreSQL thinks of the queue.
        .order_by(outbox.c.requested_at)
        .correlate(target)
    )
    some = capped(rows).subquery()
    return sa.select(sa.func.count().label("number"), sa.func.min(some.c.requested_at).label("oldest_at"))


def _target_state(row: Any) -> TargetState:
    return TargetState(
        target=Target(row.name),
        last_success_at=row.last_success_at,
        failing_since=row.failing_since,
        error_class=ErrorClass(row.error_class) if row.error_class else None,
        code=code_of(row.error) if row.error else None,
        waiting=as_counted(row.waiting),
        retrying=as_counted(row.retrying),
        parked=as_counted(row.parked),
        oldest_at=row.oldest_at,
        rate=row.rate,
        paused_at=row.paused_at,
        paused_why=row.paused_why or "",
        destructive_last_hour=row.destructive_last_hour,
    )
