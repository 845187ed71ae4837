"""Review cases: applying, deciding; one function is one transaction."""

from hufu_registry.cases.engine.use_cases.deciding import Approve, Reject, approve, assign_deciders, reject
from hufu_registry.cases.engine.use_cases.filing import ChangeCase, FileCase, change_case, file_case, sent_case
from hufu_registry.cases.engine.use_cases.following import Withdraw, withdraw
from hufu_registry.cases.engine.use_cases.ports import Cases, Work
from hufu_registry.cases.types.activation import ChooseName, choose_name, place_of, report_collision

__all__ = [
    "Approve",
    "Cases",
    "ChangeCase",
    "ChooseName",
    "FileCase",
    "Reject",
    "Withdraw",
    "Work",
    "approve",
    "assign_deciders",
    "change_case",
    "choose_name",
    "file_case",
    "place_of",
    "reject",
    "report_collision",
    "sent_case",
    "withdraw",
]
