"""What stands in a target against what the registry wants there: of everybody, or of what just changed.

A comparison writes to no target. What differs becomes drift, for a person to read; what may not differ (somebody's
state, his membership) is wanted again, and the worker puts it right. It reads page by page, may end anywhere, and is
harmless to repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar
from uuid import UUID

import structlog

from hufu_registry.accounts.use_cases import otp_is_missing
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import MISSING, RunCause, RunKind, SignInLock
from hufu_registry.sync.model.plan import PLACE, SECOND_FACTOR, Desired, Observed, plan, values_there, wanted_values
from hufu_registry.sync.store.comparison import alone
from hufu_registry.sync.use_cases.runs import new_run
from hufu_sync.converge import Converger
from hufu_sync.desired_state import Snapshot, TargetConfig, desired_of
from hufu_sync.errors import Conflict, Gone, TargetError
from hufu_sync.targets.port import Asked, StateTarget

log = structlog.get_logger()

# From the top down: nothing is looked at before what it stands in.
KINDS = (Kind.AGENCY, Kind.ACCOUNT)
BOUND_PAGE = 1000
ASKED_AGAIN = 50
WRITTEN_AT_ONCE = 200
TOLD_EVERY = 2.0
# After a target did not answer.
BEGUN_AGAIN = timedelta(seconds=30)
LARGEST_NUMBER = 2**63

Differences = Mapping[str, tuple[str, str]]
V = TypeVar("V")


class StoppedError(Exception):
    """The process ends; the run stays open, and the next process begins it again."""


@dataclass(slots=True)
class Tally:
    """Objects looked at, those that differ, those that could not be judged."""

    objects: int = 0
    differing: int = 0
    failed: int = 0


def key_of(target: Target, kind: Kind, mark: str) -> OutboxKey | None:
    """Whose mark it is; None where it is none of ours for this kind."""
    prefix = f"hufu:{kind.value}:"
    object_id = mark.removeprefix(prefix)
    if object_id == mark:
        return None
    if kind is Kind.AGENCY:
        known = object_id.isascii() and object_id.isdecimal() and int(object_id) < LARGEST_NUMBER
    else:
        try:
            known = str(UUID(object_id)) == object_id
        except ValueError:
            known = False
    return OutboxKey(target, kind, object_id) if known else None


def enqueue_comparison(
    work: SqlWork, services: SqlServices, target: Target, cause: RunCause, *, unless_since: datetime | None = None
) -> None:
    """Have everybody compared, unless that is asked for already, or was begun since then."""
    work.runs.lock_requests()
    last = work.comparison.last_comparison(target)
    if unless_since is not None and last is not None and last >= unless_since:
        return
    if all(run.target is not target for run in work.runs.open_requests(RunKind.COMPARISON)):
        work.runs.request(new_run(work, services, RunKind.COMPARISON, cause, target))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of the target that `converger` brings to what the registry says."""

    converger: Converger

    @property
    def services(self) -> SqlServices:
        return self.converger.services

    @property
    def config(self) -> TargetConfig:
        return self.converger.config

    @property
    def target(self) -> StateTarget:
        return self.converger.target

    def run(
        self, run_id: UUID, *, alive: Callable[[], None] = lambda: None, stopping: Callable[[], bool] = lambda: False
    ) -> Tally | None:
        """Compare everybody; None where somebody else is at it. `alive` is called after every page.

        Raises TargetError, StoppedError: the run stays open then, and is begun again by whoever looks next.
        """
        with alone(self.services.engine, f"comparison:{self.config.target.value}") as mine:
            if not mine:
                return None
            tally = Tally()
            with self.services.begin(SYSTEM) as work:
                if not work.runs.take(run_id):
                    return None
                started_at = work.now
                expected = work.comparison.count_bound(self.config.target)
                work.runs.progress(run_id, objects=expected, done=0, differing=0, failed=0)
            told = monotonic()
            try:
                for _ in self._all(started_at, tally):
                    alive()
                    if stopping():
                        raise StoppedError
                    if monotonic() - told > TOLD_EVERY:
                        told = monotonic()
                        self._tell(run_id, tally, max(expected, tally.objects))
            except (StoppedError, TargetError) as error:
                with self.services.begin(SYSTEM) as work:
                    work.runs.put_back(run_id, timedelta(0) if isinstance(error, StoppedError) else BEGUN_AGAIN)
                raise
            self._tell(run_id, tally, tally.objects, over=True)
        return tally

    def _all(self, started_at: datetime, tally: Tally) -> Iterator[None]:
        for kind in KINDS:
            yield from self._everybody(kind, started_at, tally)

    def _tell(self, run_id: UUID, tally: Tally, objects: int, *, over: bool = False) -> None:
        with self.services.begin(SYSTEM) as work:
            work.runs.progress(
                run_id, objects=objects, done=tally.objects, differing=tally.differing, failed=tally.failed
            )
            if over:
                work.runs.finish(run_id)

    def _everybody(self, kind: Kind, started_at: datetime, tally: Tally) -> Iterator[None]:
        """One step a page."""
        seen: set[str] = set()
        # The list of everybody is of this moment at the earliest: what was done since is not judged by it.
        read_at = self.services.clock.now()
        for page in self.target.everything(kind, self.config.schema.fields[kind]):
            seen.update(observed.remote_id for observed in page)
            self.compare(kind, page, read_at, tally)
            yield
        yield from self._look_for_missing(kind, seen, tally)
        with self.services.begin(SYSTEM) as work:
            work.drift.forget_strays(self.config.target, kind, started_at)

    def compare(self, kind: Kind, page: Sequence[Observed], read_at: datetime, tally: Tally) -> None:
        """Judge objects as they were read at a moment, in one transaction; nothing is written where nothing differs."""
        if not page:
            return
        marked = [(key_of(self.config.target, kind, observed.mark), observed) for observed in page]
        ours = [(key, observed) for key, observed in marked if key is not None]
        for key, observed in marked:
            if key is None:
                log.warning("mark_not_understood", kind=kind.value, remote_id=observed.remote_id)
        locks = self._locks_of(page)
        with self.services.begin(SYSTEM) as work:
            judged = _Page(work, self.config, kind, {key for key, _ in ours}, read_at)
            for key, observed in ours:
                judged.judge(key, observed)
            judged.write(self.services, self.converger.hash_of)
            if kind is Kind.ACCOUNT and self.config.target is Target.AD:
                _keep_locks(work, judged.snapshots, ours, locks)
        tally.objects += len(page)
        tally.differing += judged.differing
        tally.failed += len(marked) - len(ours)

    def _locks_of(self, page: Sequence[Observed]) -> Mapping[str, SignInLock]:
        """By remote id."""
        locked = {observed.remote_id: observed.locked_at for observed in page if observed.locked_at is not None}
        length = self.converger.lockout() if locked else None
        return {
            remote_id: SignInLock(self.config.target, since, None if length is None else since + length)
            for remote_id, since in locked.items()
        }

    def _look_for_missing(self, kind: Kind, seen: Collection[str], tally: Tally) -> Iterator[None]:
        after = ""
        while True:
            with self.services.begin(SYSTEM) as work:
                rows = work.comparison.bound(self.config.target, kind, after, BOUND_PAGE)
            if not rows:
                return
            after = rows[-1][0]
            unseen = {
                OutboxKey(self.config.target, kind, object_id): (remote_id, address)
                for object_id, remote_id, address in rows
                if remote_id not in seen
            }
            keys = sorted(unseen)
            for start in range(0, len(keys), ASKED_AGAIN):
                self._ask_for({key: unseen[key] for key in keys[start : start + ASKED_AGAIN]}, kind, tally)
                yield

    def _ask_for(self, unseen: Mapping[OutboxKey, tuple[str, str]], kind: Kind, tally: Tally) -> None:
        """The list did not show them, perhaps because they were made or moved while it was read: ask for each."""
        with self.services.begin(SYSTEM) as work:
            snapshots = desired_of(work, unseen, self.config, written=False)
        asked = {
            key: Asked(snapshot.desired, unseen[key][0])
            for key, snapshot in snapshots.items()
            if snapshot.desired is not None
        }
        read_at = self.services.clock.now()
        answers = dict(zip(asked, self.target.find(list(asked.values())), strict=True)) if asked else {}
        self.compare(kind, [answer for answer in answers.values() if isinstance(answer, Observed)], read_at, tally)
        absent = {key: answer for key, answer in answers.items() if not isinstance(answer, Observed)}
        with self.services.begin(SYSTEM) as work:
            busy = work.comparison.in_work(self.config.target, kind, [key.object_id for key in absent], read_at)
            missing: dict[OutboxKey, Differences] = {}
            for key, answer in absent.items():
                tally.objects += 1
                if key.object_id in busy:
                    continue
                if answer is None or (isinstance(answer, Gone) and not asked[key].desired.exists):
                    # To be made again, or to be forgotten: the worker knows.
                    work.outbox.enqueue(key, bulk=True)
                elif isinstance(answer, Gone | Conflict):
                    # Deleted, or our mark was taken from it.
                    missing[key] = {MISSING: ("", unseen[key][1])}
                else:
                    log.warning("not_compared", kind=kind.value, id=key.object_id, code=answer.code.value)
                    tally.failed += 1
                    continue
                tally.differing += 1
            work.drift.remember(missing)


class _Page:
    """Objects of one kind, with what the registry knows of them read once."""

    def __init__(
        self, work: SqlWork, config: TargetConfig, kind: Kind, keys: Collection[OutboxKey], read_at: datetime
    ) -> None:
        self._work = work
        ids = [key.object_id for key in keys]
        self.snapshots: Mapping[OutboxKey, Snapshot] = desired_of(work, keys, config, written=False)
        # After what is wanted: what changes from now on shows here.
        self._busy = work.comparison.in_work(config.target, kind, ids, read_at)
        self._drifting = work.drift.drifting(config.target, kind, ids)
        self._strays: dict[OutboxKey, str] = {}
        self._unlike: dict[OutboxKey, Observed] = {}
        self._drifts: dict[OutboxKey, Differences] = {}
        self.differing = 0

    def judge(self, key: OutboxKey, observed: Observed) -> None:
        snapshot = self.snapshots[key]
        if key.object_id in self._busy or (snapshot.desired is None and snapshot.waits_for is not None):
            return
        if snapshot.desired is None or snapshot.remote_id not in {None, observed.remote_id}:
            self._strays[key] = observed.address
        elif snapshot.remote_id is None or not snapshot.desired.exists or not agrees(snapshot.desired, observed):
            self._unlike[key] = observed
        elif key.object_id in self._drifting:
            self._drifts[key] = {}

    def write(self, services: SqlServices, hash_of: Callable[[str, str], str]) -> None:
        """Want what has to be put right, and note the rest."""
        written = self._work.written_values.several(self._unlike)
        for key, observed in self._unlike.items():
            desired = self.snapshots[key].desired
            if desired is None:
                continue
            planned = plan(desired, observed, written.get(key, {}), hash_of)
            if planned.steps or self.snapshots[key].remote_id is None:
                log.info("put_right", target=key.target.value, kind=key.kind.value, id=key.object_id)
                self._work.outbox.enqueue(key, bulk=True)
            account = self.snapshots[key].account
            if SECOND_FACTOR in planned.drift and account is not None:
                otp_is_missing(self._work, services, account.id)
            if planned.drift or key.object_id in self._drifting:
                self._drifts[key] = planned.drift
        self.differing = len(self._strays) + len(self._unlike)
        for some in _parts(self._drifts):
            self._work.drift.remember(some)
        for strays in _parts(self._strays):
            self._work.drift.remember_strays(strays)


def _parts(whole: Mapping[OutboxKey, V]) -> Iterator[Mapping[OutboxKey, V]]:
    """A statement takes 65,535 values, and an object may differ in every field."""
    keys = sorted(whole)
    for start in range(0, len(keys), WRITTEN_AT_ONCE):
        yield {key: whole[key] for key in keys[start : start + WRITTEN_AT_ONCE]}


def agrees(desired: Desired, observed: Observed) -> bool:
    """Whether nothing differs; most objects end here, without a look at what we wrote once."""
    in_one_place = PLACE not in desired.enforced or not observed.surplus - {desired.place or ""}
    return in_one_place and wanted_values(desired) == values_there(desired, observed)


def _keep_locks(
    work: SqlWork,
    snapshots: Mapping[OutboxKey, Snapshot],
    ours: Sequence[tuple[OutboxKey, Observed]],
    locks: Mapping[str, SignInLock],
) -> None:
    """The directory told of everybody on the page: who is not locked there any more loses the lock he had."""
    remote_ids = {
        snapshot.account.id: observed.remote_id
        for key, observed in ours
        if (snapshot := snapshots[key]).account is not None and snapshot.remote_id == observed.remote_id
    }
    known = work.comparison.locks(Target.AD, remote_ids)
    for account_id in sorted(remote_ids):
        lock = locks.get(remote_ids[account_id])
        if lock is not None and lock.holds(work.now):
            if lock != known.get(account_id):
                work.sign_in_locks.lock(account_id, lock)
        elif account_id in known:
            work.sign_in_locks.unlock(account_id, Target.AD)
