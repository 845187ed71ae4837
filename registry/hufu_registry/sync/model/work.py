"""What the sync engine keeps about its work: bindings, drift, runs, the account's story, sign-in records.

For the console, `hufu_registry.sync.store` has these read models (each takes an open connection):
- `account_story(connection, account_id) -> tuple[ProvisioningStep, ...]`: the steps ad, keycloak, mail, activated, in
  this order (no ad step where there is no directory). state is done, waiting, retrying or parked; `code` is one
  of `Code` when it failed or why it waits, `next_at` when it is tried next, `times` how often a mail was sent.
- `sign_ins(connection, account_id, page) -> Paged[SignIn]`: newest first.
- `account_in_targets(connection, keys, account_id) -> tuple[InTarget, ...]`: where the account is, since when, and
  whether something differs there.
- `target_states(connection) -> tuple[TargetState, ...]`: health and queue of each target.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import OutboxKey, Target


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
    OU_NOT_EMPTY = "ou_not_empty"  # things that are not ours stand in an OU nobody needs any more
    OUTSIDE_OUR_OU = "outside_our_ou"  # somebody moved it where we may change nothing
    PROTECTED_IN_AD = "protected_in_ad"  # under AdminSDHolder: never touched
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
    NOTICE_UNRENDERABLE = "notice_unrenderable"  # its template is gone, or wants other values by now
    DESTRUCTIVE_LIMIT = "destructive_limit"  # too many destructive steps within an hour
    NOT_IN_PLAN = "not_in_plan"  # a destructive step that the plan did not show
    UNEXPECTED = "unexpected"
    TARGET_PAUSED = "target_paused"  # by hand
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
class ProvisioningStep:
    """One step of an account's way. `at` is when it was done; `pending` that a newer change is on its way there;
    `fields` are those whose values were refused.
    """

    step: StepName
    state: StepState
    at: datetime | None = None
    code: Code | None = None
    error_class: ErrorClass | None = None
    attempts: int = 0
    next_at: datetime | None = None
    times: int = 0
    pending: bool = False
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InTarget:
    """Where an account is in a target: its id there, since when it is right or differs, when it was looked at last,
    the fields that somebody else changed, what keeps its owner out, and where somebody moved it. `pending` where work
    of it waits, and `paused` where the target is, by hand.
    """

    target: Target
    remote_id: str
    since: datetime
    compared_at: datetime | None
    drift: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    elsewhere: str = ""
    pending: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class SignIn:
    """One of Keycloak's events about an account; `error` is Keycloak's word where it failed. The names are what people
    call the application, where the sign-in server has told.
    """

    event_id: str
    account_id: AccountId
    type: str
    client: str
    address: str
    at: datetime
    error: str = ""
    client_name: str = ""
    client_name_en: str = ""

    @property
    def let_in(self) -> bool:
        """Whether somebody signed in by it; `sync.store.LET_IN` says it in SQL."""
        return self.type == "LOGIN" and not self.error


class SignInState(StrEnum):
    """登入狀態: 正常使用中 or 鎖定; or the directory does not let its owner in, whatever he enters."""

    NORMAL = "normal"
    LOCKED = "locked"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class SignInLock:
    """Somebody tried too often. `source` is where it is locked; `until` None means until it is unlocked."""

    source: Target
    since: datetime
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        return self.until is None or self.until > now


# The directory's field of what keeps an account's owner from signing in there: codes, some with a value behind "=".
BARS = "signInBars"


class SignInBar(StrEnum):
    EXPIRES = "expires"
    SMARTCARD_REQUIRED = "smartcard_required"
    LOGON_HOURS = "logon_hours"
    WORKSTATIONS = "workstations"
    DES_ONLY = "des_only"
    # These let in others rather than keep him out.
    PASSWORD_NOT_REQUIRED = "password_not_required"  # noqa: S105 - a code
    REVERSIBLE_PASSWORD = "reversible_password"  # noqa: S105 - a code
    NO_PREAUTHENTICATION = "no_preauthentication"


LETS_IN = frozenset({SignInBar.PASSWORD_NOT_REQUIRED, SignInBar.REVERSIBLE_PASSWORD, SignInBar.NO_PREAUTHENTICATION})


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them; an account that expires does so on a `day`."""

    code: SignInBar
    day: date | None = None

    def keeps_out(self, today: date) -> bool:
        return self.code not in LETS_IN and (self.day is None or self.day <= today)


def bars_in(value: str) -> tuple[Bar, ...]:
    """What the directory's field says; what another version of ours found and this one does not know is left out."""
    found = (word.partition("=") for word in value.split())
    known = set(SignInBar)
    bars = []
    for code, _, day in found:
        with suppress(ValueError):
            if code in known:
                bars.append(Bar(SignInBar(code), date.fromisoformat(day) if day else None))
    return tuple(bars)


# What a drift is about, where it is no field of the object.
MISSING = "@missing"  # ours is not there any more
STRAY = "@stray"  # something bears our mark and is none of ours


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference that somebody else made. `there` and `wanted` are the two values; `title` names the object.

    `acceptable` says whether the target's value can be taken over into the registry.
    """

    key: OutboxKey
    field: str
    since: datetime
    seen_at: datetime
    title: str
    agency_name: str
    there: str
    wanted: str
    acceptable: bool
    ignored_until: datetime | None = None


class WorkState(StrEnum):
    WAITING = "waiting"
    RETRYING = "retrying"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A row of the queue as a person reads it: `code` says why it failed, or what it waits for, and `fields` whose
    values were refused; `paused` that its target is, by hand.
    """

    key: OutboxKey
    state: WorkState
    title: str
    agency_name: str
    requested_at: datetime
    next_at: datetime | None
    attempts: int
    error_class: ErrorClass | None
    code: Code | None
    bulk: bool
    paused: bool
    fields: tuple[str, ...] = ()


class RunKind(StrEnum):
    COMPARISON = "comparison"  # everybody
    CHANGES = "changes"  # whatever changed in a target since the last look, where it found something
    BULK = "bulk"  # many objects wanted at once: an import, a merger, a resynchronisation
    PLAN = "plan"  # a forecast for a person to read, and its execution


class RunCause(StrEnum):
    """Why there is a run; a bulk run of a guarded command has the command's kind instead."""

    NIGHTLY = "nightly"
    CHANGES = "changes"
    ASKED = "asked"  # somebody asked for a comparison
    RESYNCHRONISE = "resynchronise"  # everything at and below an agency
    PLAN = "plan"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `objects` were looked at or wanted, `done` of them are finished, `differing` were found to differ.

    `cause` is a code (`RunCause`, or the kind of a command) and `note` what goes with it (the agency's name). It is
    about one agency and all below it, about one account, or (with neither) about everything. `plan_id` is the plan
    that it executes, `code` why it came to nothing.
    """

    id: UUID
    kind: RunKind
    target: Target | None
    cause: str
    started_at: datetime
    finished_at: datetime | None
    objects: int
    done: int
    differing: int
    failed: int
    requested_by: AccountId | None = None
    note: str = ""
    agency_id: AgencyId | None = None
    account_id: AccountId | None = None
    plan_id: UUID | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class AppliedStep:
    """A step the worker did: what kind, on which object, and the names of the fields (never their values)."""

    key: OutboxKey
    step: str
    fields: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class QueueSample:
    """The queue of a target at one minute; `done` rows were finished in that minute."""

    at: datetime
    waiting: int
    retrying: int
    parked: int
    done: int


@dataclass(frozen=True, slots=True)
class ChangeCursor:
    """How far a target's own list of changes was read. Positions of another `server` mean nothing."""

    server: str
    position: int


@dataclass(frozen=True, slots=True)
class TargetState:
    """`rate` is rows finished in the last minute; a pause by hand has a moment and a reason."""

    target: Target
    last_success_at: datetime | None
    failing_since: datetime | None
    error_class: ErrorClass | None
    code: Code | None
    waiting: int
    retrying: int
    parked: int
    oldest_at: datetime | None
    rate: int = 0
    paused_at: datetime | None = None
    paused_why: str = ""
    destructive_last_hour: int = 0


@dataclass(frozen=True, slots=True)
class Binding:
    """Our object's identity in a target. `address` is where it was seen last (DN, path), for reading; `parent_id` is
    the remote id of the object it stands in, None at the top.
    """

    remote_id: str
    address: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row of work this process holds until its lease ends, and what was wanted of it when it was taken. `in_flight`
    where somebody held it before and noted nothing: he may have been killed in the middle.
    """

    key: OutboxKey
    lease: UUID
    attempts: int
    requested_at: datetime
    generation: int
    in_flight: bool
