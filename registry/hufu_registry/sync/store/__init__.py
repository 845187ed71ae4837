"""The sync engine's store: its tables, what the worker keeps there, and what the console reads."""

from hufu_registry.sync.store.acts import SqlActs
from hufu_registry.sync.store.queue import SqlQueue, due_targets
from hufu_registry.sync.store.read_models import account_in_targets, account_story, sign_ins, target_states
from hufu_registry.sync.store.records import SqlRecords
from hufu_registry.sync.store.tables import (
    acts,
    bindings,
    drifts,
    feed_cursors,
    sign_in_records,
    target_health,
    written_fields,
)

__all__ = [
    "SqlActs",
    "SqlQueue",
    "SqlRecords",
    "account_in_targets",
    "account_story",
    "acts",
    "bindings",
    "drifts",
    "due_targets",
    "feed_cursors",
    "sign_in_records",
    "sign_ins",
    "target_health",
    "target_states",
    "written_fields",
]
