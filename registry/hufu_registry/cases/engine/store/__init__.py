"""The cases' table, the reviewers' queue, and who might be the same person."""

from hufu_registry.cases.engine.store.duplicates import DuplicateCandidate, compared_case, duplicate_candidates
from hufu_registry.cases.engine.store.queue import QueueFilter, QueueRow, count_queue, own_cases, queue
from hufu_registry.cases.engine.store.repository import SqlCases, cases

__all__ = [
    "DuplicateCandidate",
    "QueueFilter",
    "QueueRow",
    "SqlCases",
    "cases",
    "compared_case",
    "count_queue",
    "duplicate_candidates",
    "own_cases",
    "queue",
]
