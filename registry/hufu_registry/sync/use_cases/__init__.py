"""Handing work to the sync engine, and what people do about it."""

from hufu_registry.sync.use_cases.administration import (
    converge_agency,
    converge_now,
    drop_work,
    make_again,
    note_protection,
    pause_target,
    request_comparison,
    request_plan,
    request_plan_execution,
    require_administrator,
    resume_target,
    retry_now,
)
from hufu_registry.sync.use_cases.drift import accept_drift, ignore_drift, list_drift_again, overwrite_drift
from hufu_registry.sync.use_cases.ports import Administration, Runs, SignInLocks, Work

__all__ = [
    "Administration",
    "Runs",
    "SignInLocks",
    "Work",
    "accept_drift",
    "converge_agency",
    "converge_now",
    "drop_work",
    "ignore_drift",
    "list_drift_again",
    "make_again",
    "note_protection",
    "overwrite_drift",
    "pause_target",
    "request_comparison",
    "request_plan",
    "request_plan_execution",
    "require_administrator",
    "resume_target",
    "retry_now",
]
