"""The worker's engine in the test's own thread, on a real PostgreSQL, with targets in memory that break when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result

from hufu_registry.accounts.model import AccountKind
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import (
    open_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import Move, Rename, move, rename
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, Drift, Run, SignInState, StepName, StepState
from hufu_registry.sync.store import (
    account_story,
    bindings,
    change_cursors,
    drift_rows,
    drifts,
    runs,
    sign_in_locks,
    sign_in_state,
    written_fields,
)
from hufu_registry.sync.use_cases import request_comparison
from hufu_sync.bootstrap import Parts, Targets, build_convergers, build_lanes
from hufu_sync.changes import Watch
from hufu_sync.command import shared
from hufu_sync.comparison import Comparison, Tally
from hufu_sync.feed import Feed
from hufu_sync.health import Heart, Metrics
from hufu_sync.lane import Lane
from hufu_sync.planning import build_plan_lanes
from hufu_sync.scheduler.comparisons import Comparisons
from hufu_sync.settings import SyncSettings
from tests.kit.accounts import an_account
from tests.kit.clocks import SetClock
from tests.kit.targets.fakes import FakePost, FakeTarget, Thing


class Engine:
    """Worker and clock in this thread: `run` works until nothing is due any more."""

    def __init__(self, services: SqlServices, settings: RegistrySettings, clock: SetClock, *, directory: bool) -> None:
        self.services = replace(services, policy=replace(services.policy, with_directory=directory))
        self.clock = clock
        self.ad = FakeTarget()
        self.keycloak = FakeTarget(remakes=True)
        self.post = FakePost()
        self.collisions: list[str] = []
        self.metrics = Metrics()
        self._settings = SyncSettings.model_construct(
            **settings.model_dump(),
            redis_url="",
            ldap_base_dn="OU=Hufu,DC=agency,DC=test",
            lease_seconds=30,
            probe_seconds=0.0,
            paused_probe_seconds=0.0,
            ad_lanes=1,
            keycloak_lanes=1,
        )
        self._directory = directory
        self.lanes = self.another_worker()
        self.feed = Feed(self.services, self.keycloak, self.ad if directory else None, self.metrics)

    def another_worker(self) -> dict[Target, Lane]:
        """One lane for each target."""
        lanes = self.build_lanes()
        return {target: of_target[0] for target, of_target in lanes.items() if of_target}

    def build_lanes(self, **settings: int) -> dict[Target, list[Lane]]:
        parts = Parts(self._settings.model_copy(update=settings), self.services, Heart(), self.metrics)
        targets = Targets(self.ad if self._directory else None, self.keycloak, self.post)
        return build_lanes(parts, lambda: targets)

    def run(self, *, rounds: int = 6) -> None:
        """Until nothing is due any more; at most so many rounds, for what is due again at once."""
        for _ in range(rounds):
            asked = self._asked()
            worked_on = [self.lanes[target].drain() for target in Target if target in self.lanes]
            if not any(worked_on) and self._asked() == asked:
                return

    def _asked(self) -> int:
        """How often the targets were, be it only whether they are there."""
        return len(self.ad.calls) + len(self.keycloak.calls)

    def account(
        self, agency: Agency, name: str = "", *, kind: AccountKind = AccountKind.PERSONAL, **profile: Any
    ) -> AccountId:
        values = {"phone": "", "mobile": ""} | profile
        account = an_account(agency, account_name=name, created_at=self.clock.now(), kind=kind, **values)
        with self.services.begin(SYSTEM) as work:
            open_account(work, self.services, account)
        return account.id

    def story(self, account_id: AccountId) -> dict[StepName, tuple[StepState, Code | None]]:
        with self.services.read() as connection:
            return {step.step: (step.state, step.code) for step in account_story(connection, account_id)}

    def row(self, target: Target, kind: Kind, object_id: object) -> sa.Row[tuple[object, ...]]:
        with self.services.read() as connection:
            return connection.execute(
                sa.select(outbox).where(
                    outbox.c.target == target.value, outbox.c.kind == kind.value, outbox.c.object_id == str(object_id)
                )
            ).one()

    def records(self, action: str) -> int:
        with self.services.read() as connection:
            return connection.execute(sa.select(sa.func.count()).where(audit_records.c.action == action)).scalar_one()

    def state(self, account_id: AccountId) -> str:
        with self.services.read() as connection:
            state = connection.execute(sa.select(accounts.c.state).where(accounts.c.id == account_id)).scalar_one()
            return str(state)

    # What looks beside it.

    def parts(self) -> Parts:
        settings = self._settings.model_copy(update={"feed_seconds": 0.05, "changes_seconds": 0.05})
        return Parts(settings, self.services, Heart(), self.metrics)

    def targets(self) -> Targets:
        return Targets(self.ad if self._directory else None, self.keycloak, self.post)

    def comparison(self, target: Target = Target.AD) -> Comparison:
        return Comparison(build_convergers(self.parts(), self.targets())[target])

    def comparisons(self, target: Target = Target.AD) -> Comparisons:
        return Comparisons(self.comparison(target), lambda: None, lambda: False)

    def compare(self, target: Target = Target.AD) -> Tally:
        """One full comparison; what it wanted is not done yet."""
        tally = self.comparison(target).run(request_comparison(target, self.services, OPERATOR))
        assert tally is not None
        return tally

    def watch(self) -> Watch:
        return Watch(self.comparison(), self.ad)

    def drifts(self, target: Target = Target.AD) -> dict[tuple[str, str], Drift]:
        with self.services.read() as connection:
            rows = drift_rows(connection, self.services.keys, Page(), target=target, now=self.clock.now()).rows
        return {(row.key.object_id, row.field): row for row in rows}

    def runs(self) -> Sequence[Run]:
        with self.services.read() as connection:
            return runs(connection, Page()).rows

    def sign_in_state(self, account_id: AccountId) -> SignInState:
        with self.services.read() as connection:
            return sign_in_state(connection, account_id, self.clock.now())[0]

    def pending(self) -> set[tuple[str, str, bool]]:
        with self.services.read() as connection:
            rows = connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation))
            return {(row.target, row.object_id, row.bulk) for row in rows}

    def in_ad(self, account_id: AccountId) -> str:
        """Its id in the target."""
        ((remote_id, _),) = self.ad.of(f"hufu:account:{account_id}")
        return remote_id

    def in_keycloak(self, account_id: AccountId) -> str:
        ((remote_id, _),) = self.keycloak.of(f"hufu:account:{account_id}")
        return remote_id

    def everything_stored(self) -> dict[str, set[Any]]:
        tables = (outbox, drifts, written_fields, bindings, sign_in_locks, change_cursors, audit_records)
        with self.services.read() as connection:
            return {
                table.name: {tuple(map(str, row)) for row in connection.execute(sa.select(table))} for table in tables
            }

    # Somebody at the command.

    def reach(self) -> shared.Engine:
        targets = Targets(self.ad, self.keycloak, self.post)
        parts = Parts(self._settings, self.services, Heart(), self.metrics)
        return shared.Engine(self.services, targets, build_plan_lanes(parts, targets))

    def thing(self, account_id: AccountId) -> Thing:
        return self.ad.of(f"hufu:account:{account_id}")[0][1]

    def retitle(self, account_id: AccountId, title: str) -> None:
        """The registry's own value."""
        with self.services.begin(SYSTEM) as work:
            account = work.accounts.get(account_id)
            account = replace(account, profile=replace(account.profile, title=title))
            work.accounts.save(account)
            enqueue_account(work, self.services, account)

    def enqueue(self, account_id: AccountId) -> None:
        with self.services.begin(SYSTEM) as work:
            enqueue_account(work, self.services, work.accounts.get(account_id))

    def count(self, table_: sa.Table) -> int:
        with self.services.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table_)).scalar_one()

    def writes(self) -> list[str]:
        return [call for target in (self.ad, self.keycloak) for call in target.calls if call[0].isupper()]


DONE = (StepState.DONE, None)


class KilledError(BaseException):
    """The process ended here: no handler of ours sees it."""


def agencies_in(target: FakeTarget) -> set[str]:
    return {thing.name for thing in target.things.values() if thing.kind is Kind.AGENCY}


def change_agency(engine: Engine, agency: Agency, how: str, parent: Agency) -> None:
    """Rename the agency, or hang it below another."""
    with engine.services.begin(OPERATOR) as work:
        version = work.agencies.get(agency.id).version
    today = taipei_date(engine.clock.now())
    if how == "renamed":
        rename(Rename(agency.id, version, "新的名字", today), engine.services, OPERATOR)
    elif how == "moved":
        move(Move(agency.id, version, parent.id, today), engine.services, OPERATOR)


def killed_after(engine: Engine, where: str, step: str) -> None:
    """Work until the process ends in that moment, with nothing noted of it; a new one takes over."""
    target: FakeTarget = getattr(engine, where)

    def killed(call: str) -> None:
        if call == step:
            target.heal()
            raise KilledError

    target.after = killed
    with pytest.raises(KilledError):
        engine.run()
    engine.lanes = engine.another_worker()


Hufu = Callable[..., Result]


def lines_of(result: Result, word: str) -> list[str]:
    return [line for line in result.output.splitlines() if word in line]
