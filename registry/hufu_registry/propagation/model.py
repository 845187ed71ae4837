"""What a target has to do once: the acts that follow a change, besides bringing the state over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target


class ActionKind(StrEnum):
    """Acts happen once, after the state they need is right; comparison never plans them."""

    ACTIVATION_MAIL = "activation_mail"
    OTP_MAIL = "otp_mail"  # a link for a new one-time password; the old one ends when the new one stands
    UNLOCK = "unlock"
    MUST_CHANGE = "must_change"
    END_SESSIONS = "end_sessions"
    RESET_CREDENTIALS = "reset_credentials"  # before a restored account gets its mail: nothing old opens it
    MAKE_AGAIN = "make_again"  # in the directory, if the worker misses it there, too


def action_targets(kind: ActionKind, *, with_directory: bool) -> tuple[Target, ...]:
    """Where an act has to be done, in this order: one stored act for each."""
    if not with_directory:
        return (Target.KEYCLOAK,)
    if kind in {ActionKind.MUST_CHANGE, ActionKind.MAKE_AGAIN}:
        return (Target.AD,)
    if kind in {ActionKind.UNLOCK, ActionKind.RESET_CREDENTIALS}:
        return (Target.AD, Target.KEYCLOAK)
    return (Target.KEYCLOAK,)


class ActionState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OneTimeAction:
    """`number` orders the acts of an account; `outcome` says in a word what came of it.

    `times` counts the tries that may have had an effect: more than 1 means that a mail may have come twice.
    """

    number: int
    kind: ActionKind
    account_id: AccountId
    requested_at: datetime
    state: ActionState
    done_at: datetime | None = None
    outcome: str = ""
    times: int = 0
    target: Target = Target.KEYCLOAK
