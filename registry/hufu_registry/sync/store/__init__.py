"""The sync engine's store: its tables, what the worker keeps there, and what the console reads."""

from hufu_registry.sync.store.administration import (
    SqlAdministration,
    count_drifts,
    count_parked,
    drift_of,
    drift_rows,
    work_row,
    work_rows,
)
from hufu_registry.sync.store.agency_tree import SqlAgencyTree
from hufu_registry.sync.store.bindings import SqlBindings
from hufu_registry.sync.store.comparison import SqlComparison
from hufu_registry.sync.store.cursors import SqlCursors
from hufu_registry.sync.store.drift import SqlDrift
from hufu_registry.sync.store.history import SqlHistory, StepDone
from hufu_registry.sync.store.officials import OfficialRow, SignInFilter, officials
from hufu_registry.sync.store.queue import SqlQueue, due_targets
from hufu_registry.sync.store.read_models import (
    LET_IN,
    account_in_targets,
    account_story,
    last_sign_in,
    last_sign_in_at,
    sign_ins,
    target_states,
)
from hufu_registry.sync.store.runs import SqlRuns, applied_steps_of, queue_samples_of, run_of, runs
from hufu_registry.sync.store.sign_in_locks import SqlSignInLocks, sign_in_state
from hufu_registry.sync.store.sign_in_records import SqlSignInRecords
from hufu_registry.sync.store.tables import (
    applied_steps,
    bindings,
    change_cursors,
    client_names,
    drifts,
    feed_cursors,
    last_sign_ins,
    queue_samples,
    registry_identity,
    sign_in_locks,
    sign_in_records,
    sync_run_rows,
    sync_runs,
    written_fields,
)
from hufu_registry.sync.store.target_health import SqlTargetHealth, paused_targets
from hufu_registry.sync.store.written_values import SqlWrittenValues

__all__ = [
    "LET_IN",
    "OfficialRow",
    "SignInFilter",
    "SqlAdministration",
    "SqlAgencyTree",
    "SqlBindings",
    "SqlComparison",
    "SqlCursors",
    "SqlDrift",
    "SqlHistory",
    "SqlQueue",
    "SqlRuns",
    "SqlSignInLocks",
    "SqlSignInRecords",
    "SqlTargetHealth",
    "SqlWrittenValues",
    "StepDone",
    "account_in_targets",
    "account_story",
    "applied_steps",
    "applied_steps_of",
    "bindings",
    "change_cursors",
    "client_names",
    "count_drifts",
    "count_parked",
    "drift_of",
    "drift_rows",
    "drifts",
    "due_targets",
    "feed_cursors",
    "last_sign_in",
    "last_sign_in_at",
    "last_sign_ins",
    "officials",
    "paused_targets",
    "queue_samples",
    "queue_samples_of",
    "registry_identity",
    "run_of",
    "runs",
    "sign_in_locks",
    "sign_in_records",
    "sign_in_state",
    "sign_ins",
    "sync_run_rows",
    "sync_runs",
    "target_states",
    "work_row",
    "work_rows",
    "written_fields",
]
