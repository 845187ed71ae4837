"""What the sync engine keeps about its work: acts, bindings, steps, sign-in records. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hufu_registry.kernel.ids import AccountId


class ActKind(StrEnum):
    """Acts happen once, after the state they need is right; comparison never plans them."""

    ACTIVATION_MAIL = "activation_mail"
    UNLOCK = "unlock"
    MUST_CHANGE = "must_change"
    END_SESSIONS = "end_sessions"


class ActState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Act:
    """`number` orders the acts of an account; `outcome` says in a word what came of it."""

    number: int
    kind: ActKind
    account_id: AccountId
    requested_at: datetime
    state: ActState
    done_at: datetime | None = None
    outcome: str = ""
    times: int = 0
