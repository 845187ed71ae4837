"""Plans: what would happen, worked out without doing it; and doing what a plan showed, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib.metadata import version
from itertools import islice
from typing import TypeVar

import structlog

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Claimed, Code, Run, RunKind
from hufu_registry.sync.model.plan import Create, Place, plan
from hufu_registry.sync.model.plan_file import Forecast, PlanFile, PlannedObject, Scope
from hufu_registry.sync.store.administration import names_of
from hufu_registry.sync.store.plan_json import from_json, to_json
from hufu_registry.sync.store.scopes import accounts_in_scope, addresses, agencies_in_scope, held
from hufu_sync.bootstrap import Parts, Targets, build_convergers, build_lanes
from hufu_sync.converge import Converger
from hufu_sync.desired_state import Snapshot, desired_of
from hufu_sync.errors import Misconfigured, TargetError, Transient, Unreachable
from hufu_sync.lane import Lane
from hufu_sync.outcomes import LeaseLostError, NotForetoldError, NotReachedError, NotReadyError, Outcome
from hufu_sync.targets.port import Asked, Found

log = structlog.get_logger()

# Objects that are read and looked up together.
BATCH = 100
WAITS = frozenset({Code.WAITS_FOR_AD, Code.WAITS_FOR_AGENCY})

T = TypeVar("T")


def our_version() -> str:
    return version("hufu-sync")


def make_plan(services: SqlServices, convergers: Sequence[Converger], scope: Scope) -> PlanFile:
    """What converging everything in the scope would do now; nothing is written anywhere.

    `convergers` are in the order of targets. Raises TargetError where a target does not answer.
    """
    with services.begin(SYSTEM) as work:
        registry_id, made_at = work.registry_id(), work.now
    objects: dict[OutboxKey, PlannedObject] = {}
    places: dict[str, str] = {}
    looked_at = 0
    for converger in convergers:
        for keys in _batches(services, converger.config.target, scope):
            looked_at += len(keys)
            foretold = _foretold(services, converger, keys, objects)
            places |= _places(services, converger.config.target, foretold)
            objects |= {planned.key: planned for planned in _titled(services, foretold)}
    return PlanFile(our_version(), registry_id, scope, made_at, looked_at, tuple(objects.values()), places)


def _batches(services: SqlServices, target: Target, scope: Scope) -> Iterator[Sequence[OutboxKey]]:
    """Agencies first; all of one kind."""
    with services.read() as connection:
        parts = (agencies_in_scope(connection, target, scope), accounts_in_scope(connection, target, scope))
    for part in parts:
        yield from _by(BATCH, part)


def _by(size: int, things: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch


def _titled(services: SqlServices, objects: Sequence[PlannedObject]) -> Sequence[PlannedObject]:
    with services.read() as connection:
        names = names_of(connection, [planned.key for planned in objects])
    return [
        replace(planned, title=names[planned.key].title) if planned.key in names else planned for planned in objects
    ]


def _foretold(
    services: SqlServices,
    converger: Converger,
    keys: Sequence[OutboxKey],
    before: Mapping[OutboxKey, PlannedObject],
) -> Sequence[PlannedObject]:
    """Those about which there is something to say. `before` is what was foretold of earlier targets."""
    with services.begin(SYSTEM) as work:
        snapshots = desired_of(work, keys, converger.config, in_flight=work.queue.in_flight(keys))
    asked = {
        key: Asked(snapshot.desired, snapshot.remote_id, snapshot.in_flight)
        for key, snapshot in snapshots.items()
        if snapshot.desired is not None
    }
    answers = dict(zip(asked, converger.target.find(list(asked.values())) if asked else (), strict=True))
    objects = [_planned(converger, snapshots[key], answers.get(key), before) for key in keys]
    return [planned for planned in objects if planned.steps or planned.left or planned.code]


def _planned(
    converger: Converger, snapshot: Snapshot, answer: Found, before: Mapping[OutboxKey, PlannedObject]
) -> PlannedObject:
    key = snapshot.key
    code = None if snapshot.waits_for is None else waits(snapshot.waits_for)
    if snapshot.desired is None:
        return PlannedObject(key, key.object_id, code=code)
    if isinstance(answer, TargetError):
        in_directory = before.get(OutboxKey(Target.AD, key.kind, key.object_id))
        not_yet = in_directory is not None and any(isinstance(step, Create) for step in in_directory.steps)
        return PlannedObject(key, key.object_id, code=Code.WAITS_FOR_AD if not_yet else answer.code)
    planned = plan(snapshot.desired, answer, snapshot.written_to(answer), converger.hash_of)
    return PlannedObject(
        key=key,
        title=key.object_id,
        address="" if answer is None else answer.address,
        steps=planned.steps,
        left=tuple((field, *values) for field, values in sorted(planned.drift.items())),
        code=code,
    )


def waits(key: OutboxKey) -> Code:
    """What a row says that waits for this one."""
    return Code.WAITS_FOR_AGENCY if key.kind is Kind.AGENCY else Code.WAITS_FOR_AD


def _places(services: SqlServices, target: Target, objects: Sequence[PlannedObject]) -> Mapping[str, str]:
    """Addresses of the places the steps speak of."""
    named: set[str | None] = set()
    for step in (step for planned in objects for step in planned.steps):
        if isinstance(step, Create):
            named.add(step.desired.place)
        elif isinstance(step, Place):
            named |= {step.before, step.after}
    with services.read() as connection:
        return addresses(connection, target, [place for place in named if place])


def is_trouble(planned: PlannedObject) -> bool:
    """Whether something is wrong with it that time alone does not mend."""
    return planned.code is not None and planned.code not in WAITS


@dataclass(frozen=True, slots=True)
class PlanLane:
    """One target as a plan is applied to it: planned by `converger`, whose rows are settled as any lane of the worker
    settles them.
    """

    converger: Converger
    drain: Lane


def build_plan_lanes(parts: Parts, targets: Targets) -> Sequence[PlanLane]:
    """In the order of targets; for one thread."""
    lanes = build_lanes(parts, lambda: targets)
    return [PlanLane(converger, lanes[target][-1]) for target, converger in build_convergers(parts, targets).items()]


class Result(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"  # it would now lose what the plan did not show
    HELD = "held"  # by another worker
    WAITS = "waits"  # something else has to be done first
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of one object of a plan; `code` says why it is not done."""

    key: OutboxKey
    title: str
    result: Result
    code: Code | None = None


def apply_plan(services: SqlServices, lanes: Sequence[PlanLane], plan_file: PlanFile) -> Iterator[Applied]:
    """Bring the plan's objects to what the registry says now; nobody loses what the plan does not show.

    An object at a time is reported. What is not done stays in the queue as after any other try.
    """
    forecast = plan_file.forecast()
    for lane in lanes:
        target = lane.converger.config.target
        rest = {planned.key: planned for planned in plan_file.objects if planned.key.target is target and todo(planned)}
        while rest:
            applied = list(_once(services, lane, forecast, rest))
            settled = [applied_object for applied_object in applied if applied_object.result is not Result.WAITS]
            yield from settled
            rest = {
                applied_object.key: rest[applied_object.key]
                for applied_object in applied
                if applied_object.result is Result.WAITS
            }
            if not settled:
                yield from applied
                break


def todo(planned: PlannedObject) -> bool:
    return bool(planned.steps) or planned.code in WAITS


@dataclass(slots=True)
class _Watched:
    """A lane's work under a forecast; `outcomes` are those of the last batch."""

    converger: Converger
    forecast: Forecast
    outcomes: Mapping[OutboxKey, Outcome] = field(default_factory=dict)

    def converge(self, claimed: Sequence[Claimed]) -> Mapping[OutboxKey, Outcome]:
        self.outcomes = self.converger.converge(claimed, self.forecast)
        return self.outcomes


def _once(
    services: SqlServices, lane: PlanLane, forecast: Forecast, objects: Mapping[OutboxKey, PlannedObject]
) -> Iterator[Applied]:
    """Each object once, in the plan's order; those that wait may have their turn when others are done."""
    work = _Watched(lane.converger, forecast)
    drain = replace(lane.drain, work=work)
    away: TargetError | None = None
    for keys in _by(drain.timing.batch, objects):
        outcomes = {key: NotReachedError() for key in keys} if away else _work_on(services, drain, work, keys)
        away = next(
            (outcome for outcome in outcomes.values() if isinstance(outcome, (Unreachable, Misconfigured))), away
        )
        for key in keys:
            yield Applied(key, objects[key].title, *_result(outcomes[key], away))


def _work_on(
    services: SqlServices, drain: Lane, work: _Watched, keys: Sequence[OutboxKey]
) -> Mapping[OutboxKey, Outcome]:
    with services.begin(SYSTEM) as transaction:
        lease, length = services.ids.new(), drain.timing.lease
        claims = [transaction.queue.claim_key(key, lease, length) for key in keys]
        busy = held(transaction.connection, keys, transaction.now)
    claimed = [claim for claim in claims if claim is not None]
    work.outcomes = {}
    if claimed:
        drain.work_on(claimed)
    outcomes: dict[OutboxKey, Outcome] = {
        key: LeaseLostError() if key in busy else NotReadyError(key, is_known=True) for key in keys
    }
    return outcomes | {claim.key: Transient(Code.UNEXPECTED) for claim in claimed} | dict(work.outcomes)


def _result(outcome: Outcome, away: TargetError | None) -> tuple[Result, Code | None]:
    if outcome is None:
        return Result.DONE, None
    if isinstance(outcome, LeaseLostError):
        return Result.HELD, None
    if isinstance(outcome, NotReadyError):
        return Result.WAITS, None
    if isinstance(outcome, NotReachedError) and away is not None:
        return Result.FAILED, away.code
    if isinstance(outcome, NotForetoldError):
        return Result.SKIPPED, Code.NOT_IN_PLAN
    return Result.FAILED, outcome.code if isinstance(outcome, TargetError) else Code.UNEXPECTED


def serve_requests(services: SqlServices, lanes: Sequence[PlanLane], alive: Callable[[], None]) -> None:
    """Make the plans that were asked for at the console, and execute those that were to be executed.

    `alive` is called as the work goes on.
    """
    with services.begin(SYSTEM) as work:
        requests = work.runs.open_requests(RunKind.PLAN)
    for run in requests:
        with services.begin(SYSTEM) as work:
            mine = work.runs.take(run.id)
        if mine:
            alive()
            _serve(services, lanes, run, alive)


def _serve(services: SqlServices, lanes: Sequence[PlanLane], run: Run, alive: Callable[[], None]) -> None:
    try:
        if run.plan_id is None:
            _make(services, lanes, run)
        else:
            _execute(services, lanes, run, alive)
    except (TargetError, Invalid) as error:
        log.warning("plan_failed", run=str(run.id), code=str(error.code))
        with services.begin(SYSTEM) as work:
            work.runs.progress(run.id, failed=1)
            work.runs.finish(run.id, code=str(error.code))


def _make(services: SqlServices, lanes: Sequence[PlanLane], run: Run) -> None:
    made = make_plan(services, [lane.converger for lane in lanes], Scope(run.agency_id, run.account_id))
    with services.begin(SYSTEM) as work:
        work.runs.set_body(run.id, to_json(made))
        differing, failed = sum(map(todo, made.objects)), sum(map(is_trouble, made.objects))
        work.runs.progress(run.id, objects=made.looked_at, done=made.looked_at, differing=differing, failed=failed)
        work.runs.finish(run.id)


def _execute(services: SqlServices, lanes: Sequence[PlanLane], run: Run, alive: Callable[[], None]) -> None:
    """Raises Invalid for a plan that cannot be executed (any more)."""
    with services.begin(SYSTEM) as work:
        registry_id, text = work.registry_id(), "" if run.plan_id is None else work.runs.body(run.plan_id)
    plan_file = from_json(text, version=our_version(), registry_id=registry_id)
    total, counts = sum(map(todo, plan_file.objects)), Counter[bool]()
    for applied in _by(BATCH, apply_plan(services, lanes, plan_file)):
        alive()
        counts.update(applied_object.result is Result.DONE for applied_object in applied)
        with services.begin(SYSTEM) as work:
            work.runs.progress(run.id, objects=total, done=counts[True], failed=counts[False])
    with services.begin(SYSTEM) as work:
        work.runs.finish(run.id)
