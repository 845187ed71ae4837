"""What the pages of AD sync show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from flask import g
from flask_babel import ngettext

import hufu_registry.accounts.store as accounts
import hufu_registry.sync.store as lists
from hufu_console.sync.forms import PlanForm
from hufu_console.sync.picture import Picture, first_slot, picture_of
from hufu_console.sync.plan_rows import plan_in
from hufu_console.web.context import now, reading, registry
from hufu_console.web.feature import composition
from hufu_console.web.viewer import Viewer
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page, Paged
from hufu_registry.sync.model import (
    Drift,
    QueueSample,
    Run,
    RunCause,
    RunKind,
    TargetState,
    WorkRow,
)
from hufu_registry.sync.model.plan_file import PlanFile, PlannedObject
from hufu_registry.sync.store.administration import names_of

T = TypeVar("T")


def count_parked(_viewer: Viewer) -> int:
    """How much work needs attention."""
    with reading() as work:
        return lists.count_parked(work.connection)


def parked_said(count: int) -> object:
    return ngettext("%(num)s row of work needs attention", "%(num)s rows of work need attention", count)


def count_drifts(_viewer: Viewer) -> int:
    with reading() as work:
        return lists.count_drifts(work.connection, work.now)


def drifts_said(count: int) -> object:
    return ngettext("%(num)s difference that somebody else made", "%(num)s differences that somebody else made", count)


@dataclass(frozen=True, slots=True)
class Overview:
    states: Sequence[TargetState]
    now: datetime


def overview() -> Overview:
    with reading() as work:
        return Overview(lists.target_states(work.connection), work.now)


def health_home(viewer: Viewer) -> Overview | None:
    """For the first page of whoever sees to the targets."""
    return overview() if composition().opens("sync.overview", viewer) else None


def pictures(view: Overview) -> Mapping[Target, Picture]:
    """Of every target there ever was work for."""
    return {state.target: picture(state.target) for state in view.states}


def picture(target: Target) -> Picture:
    return picture_of(samples(target), now())


def samples(target: Target) -> Sequence[QueueSample]:
    """The queue minute by minute, over the day that the picture shows."""
    with reading() as work:
        return lists.queue_samples_of(work.connection, target, first_slot(work.now))


def work_row(key: OutboxKey) -> WorkRow:
    """Raises NotFound("work") where nothing is to be done for it (any more)."""
    with reading() as work:
        return lists.work_row(work.connection, key)


def drift(key: OutboxKey, field: str) -> Drift:
    """Raises NotFound("drift")."""
    with reading() as work:
        return lists.drift_of(work.connection, registry().keys, key, field)


def run(run_id: UUID) -> Run:
    """Raises NotFound("run")."""
    with reading() as work:
        return lists.run_of(work.connection, run_id)


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, its plan if it has one, and how many differences are ignored in its target now."""

    run: Run
    requested_by: str
    plan: PlanFile | None
    ignored: int

    @property
    def steps(self) -> int:
        return sum(len(planned.steps) for planned in self.plan.objects) if self.plan else 0

    @property
    def left(self) -> int:
        """How many values the plan leaves as somebody else made them."""
        return sum(len(planned.left) for planned in self.plan.objects) if self.plan else 0

    @property
    def not_made(self) -> bool:
        """It was to become a plan, and did not."""
        return self.run.cause == RunCause.PLAN and self.run.finished_at is not None and self.plan is None

    @property
    def executable(self) -> bool:
        return self.run.cause == RunCause.PLAN and self.run.finished_at is not None and self.steps > 0


def run_view(run_id: UUID) -> RunView:
    """Raises NotFound("run")."""
    with reading() as work:
        run = work.runs.get(run_id)
        by = run.requested_by
        name = accounts.names_of(work.connection, [by]).get(by, "") if by else ""
    return RunView(run, name, plan_of(run_id), ignored_in(run.target))


def plan_of(run_id: UUID) -> PlanFile | None:
    """None for a run that is no plan; read once, whoever on the page wants it. Raises NotFound("run")."""
    plans: dict[UUID, PlanFile | None] = g.setdefault("plans", {})
    if run_id not in plans:
        with reading() as work:
            run = work.runs.get(run_id)
            plans[run_id] = plan_in(work.runs.body(run_id)) if run.kind is RunKind.PLAN else None
    return plans[run_id]


def ignored_in(target: Target | None) -> int:
    """How many differences are ignored there for now."""
    with reading() as work:
        return lists.count_drifts(work.connection, work.now, target=target, ignored=True)


def in_order(plan: PlanFile) -> Sequence[PlannedObject]:
    """Those that lose something first."""
    return sorted(plan.objects, key=lambda planned: not planned.destructive)


def one_page(rows: Sequence[T], page: Page) -> Paged[T]:
    return Paged(rows[page.offset : page.offset + page.size], len(rows), page)


def key_in(text: str) -> OutboxKey | None:
    """A ticked row: target, kind and id; None for anything else."""
    target, _, rest = text.partition(" ")
    kind, _, object_id = rest.partition(" ")
    if target not in set(Target) or kind not in set(Kind) or not object_id:
        return None
    return OutboxKey(Target(target), Kind(kind), object_id)


def title_of(kind: Kind, object_id: str) -> str:
    """The object's name; its id where the registry does not know it (any more)."""
    key = OutboxKey(Target.KEYCLOAK, kind, object_id)
    with reading() as work:
        named = names_of(work.connection, [key]).get(key)
    return named.title if named else object_id


def scope_in(form: PlanForm) -> tuple[AgencyId | None, AccountId | None]:
    """What a plan is asked for: an agency, an account, or neither. Raises Invalid for both, or an unknown name."""
    name = str(form.account_name.data or "").strip()
    if not name:
        return form.agency(), None
    if form.agency() is not None:
        raise Invalid(fields={"account_name": "agency_or_account"})
    with reading() as work:
        account = work.accounts.find_by_name(name)
    if account is None:
        raise Invalid(fields={"account_name": "account_name_unknown"})
    return None, account.id
