"""What can be done to agencies; one function is one transaction."""

from hufu_registry.agencies.use_cases.by_hand import (
    AddUnit,
    Close,
    Move,
    Rename,
    Reopen,
    SetMailDomains,
    add_unit,
    close,
    move,
    rename,
    reopen,
    set_mail_domains,
)
from hufu_registry.agencies.use_cases.importing import (
    ImportList,
    LinkHistory,
    import_list,
    link_history,
)
from hufu_registry.agencies.use_cases.ports import (
    Agencies,
    Dependents,
    NewAgency,
    Permit,
    TreeWritten,
    Work,
)

__all__ = [
    "AddUnit",
    "Agencies",
    "Close",
    "Dependents",
    "ImportList",
    "LinkHistory",
    "Move",
    "NewAgency",
    "Permit",
    "Rename",
    "Reopen",
    "SetMailDomains",
    "TreeWritten",
    "Work",
    "add_unit",
    "close",
    "import_list",
    "link_history",
    "move",
    "rename",
    "reopen",
    "set_mail_domains",
]
