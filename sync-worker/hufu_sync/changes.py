"""What changed in the directory since the last look, compared within seconds: objects that were made or changed.

Deletions leave no object to read; they are found by the nightly comparison, or when the worker next needs the object.
Our own writes come back as changes, too, and compare as equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.sync.model import Run, RunCause, RunKind
from hufu_registry.sync.model.plan import Observed
from hufu_registry.sync.store.comparison import alone
from hufu_registry.sync.use_cases.runs import new_run
from hufu_sync.comparison import Comparison, Tally, enqueue_comparison, key_of
from hufu_sync.targets.port import Directory

log = structlog.get_logger()

PAGE = 500


@dataclass(frozen=True, slots=True)
class Watch:
    """Of one directory: the target of `comparison`."""

    comparison: Comparison
    directory: Directory

    @property
    def services(self) -> SqlServices:
        return self.comparison.services

    def poll(self, alive: Callable[[], None] = lambda: None) -> int:
        """Compare what changed since the last look; how many objects did. Two at once are one.

        The cursor moves after what it found is stored, so nothing is missed; what is looked at twice is equal.
        Raises TargetError.
        """
        tally = Tally()
        with alone(self.services.engine, "changes:ad") as mine:
            while mine and self._look(tally):
                alive()
        if tally.differing:
            with self.services.begin(SYSTEM) as work:
                work.runs.request(self._run(work, tally))
        return tally.objects

    def _look(self, tally: Tally) -> bool:
        """One page; whether there is more."""
        fields = frozenset[str]().union(*self.comparison.config.schema.fields.values())
        with self.services.begin(SYSTEM) as work:
            read_at, cursor = work.now, work.cursors.changes(Target.AD)
        changes = self.directory.changes(cursor, fields, PAGE)
        self.comparison.compare(Kind.AGENCY, changes.agencies, read_at, tally)
        self.comparison.compare(Kind.ACCOUNT, changes.accounts, read_at, tally)
        for kind in Kind.AGENCY, Kind.ACCOUNT:
            self.comparison.compare(kind, self._ours(kind, changes.outside), read_at, tally)
        with self.services.begin(SYSTEM) as work:
            if cursor is None or changes.restarted:
                # Nobody knows what happened in between.
                log.warning("changes_lost", first=cursor is None)
                enqueue_comparison(work, self.services, Target.AD, RunCause.CHANGES)
            if changes.cursor != cursor:
                work.cursors.move_changes(Target.AD, changes.cursor)
        return changes.more

    def _ours(self, kind: Kind, outside: Sequence[Observed]) -> Sequence[Observed]:
        """Those that we made: another registry in the same domain may have the same marks."""
        if not outside:
            return ()
        marked = {observed.remote_id: key_of(Target.AD, kind, observed.mark) for observed in outside}
        with self.services.begin(SYSTEM) as work:
            bound = work.bindings.several({key for key in marked.values() if key is not None})
        return [
            observed
            for observed in outside
            if (key := marked[observed.remote_id]) in bound and bound[key].remote_id == observed.remote_id
        ]

    def _run(self, work: SqlWork, tally: Tally) -> Run:
        return replace(
            new_run(work, self.services, RunKind.CHANGES, RunCause.CHANGES, Target.AD),
            finished_at=work.now,
            objects=tally.objects,
            done=tally.objects,
            differing=tally.differing,
            failed=tally.failed,
        )
