"""Review cases: applying, deciding; one function is one transaction."""

from hufu_registry.cases.engine.use_cases.deciding import Approve, Reject, approve, assign_deciders, reject
from hufu_registry.cases.engine.use_cases.following import Withdraw, case_of_mailbox, withdraw
from hufu_registry.cases.engine.use_cases.ports import Cases, Work
from hufu_registry.cases.types.activation import place_of
from hufu_registry.cases.use_cases.applying import (
    Apply,
    Change,
    ChooseName,
    apply,
    change,
    choose_name,
    report_collision,
)

__all__ = [
    "Apply",
    "Approve",
    "Cases",
    "Change",
    "ChooseName",
    "Reject",
    "Withdraw",
    "Work",
    "apply",
    "approve",
    "assign_deciders",
    "case_of_mailbox",
    "change",
    "choose_name",
    "place_of",
    "reject",
    "report_collision",
    "withdraw",
]
