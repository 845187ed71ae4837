"""The composition: every feature, once. A new one is an import and a line here, and its folders."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hufu_registry.accounts.feature import Stores as Accounts
from hufu_registry.agencies.feature import Stores as Agencies
from hufu_registry.audit.feature import Stores as Audit
from hufu_registry.bell.feature import Stores as Bell
from hufu_registry.cases.feature import Stores as Cases
from hufu_registry.dependents import Dependents
from hufu_registry.exports.feature import Stores as Exports
from hufu_registry.guard.feature import Stores as Guard
from hufu_registry.guard.model import GuardPolicy
from hufu_registry.notices.feature import Stores as Notices
from hufu_registry.people.feature import Stores as People
from hufu_registry.policy.feature import Stores as Settings
from hufu_registry.propagation.feature import Stores as Propagation
from hufu_registry.rights.feature import Stores as Rights
from hufu_registry.sessions.feature import Stores as Sessions
from hufu_registry.sessions.model import SessionPolicy
from hufu_registry.sync.feature import Stores as Sync


@dataclass(frozen=True)
class Policy(GuardPolicy, SessionPolicy):
    """Every feature's settings: each part holds those to its right, so that the leftmost hold all."""


class SqlWork(
    Cases,
    Guard,
    Sessions,
    Exports,
    Sync,
    Accounts,
    Propagation,
    People,
    Settings,
    Rights,
    Agencies,
    Notices,
    Bell,
    Audit,
):
    """An open transaction with every feature's tables. A feature sees only those below it."""

    policy: Policy

    @cached_property
    def dependents(self) -> Dependents:
        return Dependents(self, FEATURES)


FEATURES = SqlWork.features()
