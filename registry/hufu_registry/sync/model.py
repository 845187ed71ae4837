"""What the sync engine keeps about its work: acts, bindings, the account's story, sign-in records. Pure values.

For the console, `hufu_registry.sync.store` has these read models (each takes an open connection):
- `account_story(connection, account_id) -> tuple[StoryStep, ...]`: the steps ad, keycloak, mail, activated, in
  this order (no ad step where there is no directory). state is done, waiting, retrying or parked; `code` is one
  of `Code` when it failed or why it waits, `next_at` when it is tried next, `times` how often a mail was sent.
- `sign_ins(connection, account_id, page) -> Paged[SignIn]`: newest first.
- `account_in_targets(connection, account_id) -> tuple[InTarget, ...]`: where the account is, since when, and
  whether something differs there.
- `target_states(connection) -> tuple[TargetState, ...]`: health and queue of each target.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import OutboxKey, Target


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
    """`number` orders the acts of an account; `outcome` says in a word what came of it.

    `times` counts the tries that may have had an effect: more than 1 means that a mail may have come twice.
    """

    number: int
    kind: ActKind
    account_id: AccountId
    requested_at: datetime
    state: ActState
    done_at: datetime | None = None
    outcome: str = ""
    times: int = 0


class ErrorClass(StrEnum):
    """What the worker does about a failure."""

    TRANSIENT = "transient"  # tried again until it works
    GONE = "gone"  # missing where we know it was: parked for a person
    CONFLICT = "conflict"  # somebody else's object stands there: parked
    REFUSED = "refused"  # the target says no to this one: parked
    MISCONFIGURED = "misconfigured"  # nothing can work: the whole target pauses


class Code(StrEnum):
    """Why something failed or waits; the console has a sentence for each."""

    AD_UNREACHABLE = "ad_unreachable"
    AD_TIMEOUT = "ad_timeout"
    AD_BUSY = "ad_busy"
    AD_BIND_REFUSED = "ad_bind_refused"
    AD_CERTIFICATE = "ad_certificate"
    AD_NO_RIGHTS = "ad_no_rights"
    AD_REFUSED_VALUE = "ad_refused_value"
    AD_REFUSED = "ad_refused"
    GONE_IN_AD = "gone_in_ad"
    NAME_TAKEN_IN_AD = "name_taken_in_ad"
    OU_TAKEN = "ou_taken"
    KEYCLOAK_UNREACHABLE = "keycloak_unreachable"
    KEYCLOAK_TIMEOUT = "keycloak_timeout"
    KEYCLOAK_ERROR = "keycloak_error"
    KEYCLOAK_DOES_NOT_SEE = "keycloak_does_not_see"  # Keycloak does not find the account in AD yet
    KEYCLOAK_CLIENT_REFUSED = "keycloak_client_refused"
    KEYCLOAK_NO_RIGHTS = "keycloak_no_rights"
    KEYCLOAK_REFUSED = "keycloak_refused"
    NAME_TAKEN_IN_KEYCLOAK = "name_taken_in_keycloak"
    GROUP_TAKEN = "group_taken"
    ACTIVATION_MAIL_NOT_SENT = "activation_mail_not_sent"
    MAIL_UNREACHABLE = "mail_unreachable"
    MAIL_LATER = "mail_later"
    MAIL_REFUSED_US = "mail_refused_us"
    MAIL_ADDRESS_REFUSED = "mail_address_refused"
    UNEXPECTED = "unexpected"
    WAITS_FOR_AD = "waits_for_ad"
    WAITS_FOR_AGENCY = "waits_for_agency"
    WAITS_FOR_KEYCLOAK = "waits_for_keycloak"
    WAITS_FOR_PERSON = "waits_for_person"  # the link is mailed, and the person has not used it


class StepName(StrEnum):
    AD = "ad"
    KEYCLOAK = "keycloak"
    MAIL = "mail"
    ACTIVATED = "activated"


class StepState(StrEnum):
    DONE = "done"
    WAITING = "waiting"
    RETRYING = "retrying"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One step of an account's way. `at` is when it was done; `pending` that a newer change is on its way there."""

    step: StepName
    state: StepState
    at: datetime | None = None
    code: Code | None = None
    error_class: ErrorClass | None = None
    attempts: int = 0
    next_at: datetime | None = None
    times: int = 0
    pending: bool = False


@dataclass(frozen=True, slots=True)
class InTarget:
    """Where an account is in a target: its id there, its place (DN), and the fields that somebody else changed."""

    target: Target
    remote_id: str
    place: str
    since: datetime
    converged_at: datetime | None
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignIn:
    """One of Keycloak's events about an account; `error` is Keycloak's word where it failed."""

    event_id: str
    account_id: AccountId
    type: str
    client: str
    address: str
    at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class TargetState:
    target: Target
    last_success_at: datetime | None
    failing_since: datetime | None
    error_class: ErrorClass | None
    code: Code | None
    waiting: int
    retrying: int
    parked: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Binding:
    """Our object's identity in a target; `place` is where it was seen last and is only for reading."""

    remote_id: str
    place: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of work this process holds until its lease ends."""

    key: OutboxKey
    lease: UUID
    attempts: int
    wanted_at: datetime
