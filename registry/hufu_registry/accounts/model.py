"""Accounts: their names, their states, and what they say about an official."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

import hufu_registry.agencies.model as agencies
from hufu_registry.agencies.model import AgencyPolicy, Path
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.mapping import SEALED
from hufu_registry.kernel.policy import setting
from hufu_registry.kernel.texts import PASTED, REASON, Text, dialled_on, mobile, narrow, shaped, telephone
from hufu_registry.people.model import MAILBOX, PeoplePolicy

ACCOUNT_NAME_SHAPE = re.compile(r"^[A-Za-z][A-Za-z0-9]{4,14}\Z")
PHONE_SHAPE = re.compile(r"^[0-9+#*()\- ]{6,20}\Z")
EXTENSION_SHAPE = re.compile(r"^[0-9]{1,8}\Z")
MOBILE_SHAPE = re.compile(r"^09[0-9]{8}\Z")

# What is about a person is no longer than Active Directory has room for: nothing of it is cut on the way.
NAME = Text(64, missing="required")
TITLE = Text(60, missing="required")
UNIT_NAME = replace(agencies.UNIT_NAME, missing=None)
PHONE = Text(PASTED, telephone, missing="required", rule=shaped(PHONE_SHAPE, "phone_shape"))
EXTENSION = Text(PASTED, dialled_on, rule=shaped(EXTENSION_SHAPE, "extension_shape"))
MOBILE = Text(PASTED, mobile, missing="required", rule=shaped(MOBILE_SHAPE, "mobile_shape"))
OFFICIAL_MAIL = replace(MAILBOX, missing=None)
WHY = replace(REASON, missing="reason_required")

# Names that mean something to a directory, a sign-in server or a reader, compared in lower case.
RESERVED_NAMES = frozenset(
    {
        "admin", "administrator", "administrators", "krbtgt", "guest", "root", "system", "service", "support",
        "hufusync", "hufukeycloak", "hufureader", "keycloak", "nobody", "anonymous", "domain", "everyone",
        "network", "interactive", "replicator", "operator", "postmaster", "webmaster", "hostmaster", "security",
        "abuse", "defaultaccount", "wdagutilityaccount", "dnsadmins", "users", "computers", "manager", "sysadmin",
        "schema", "enterprise", "superuser", "daemon", "backup", "local", "owner", "creator", "batch", "dialup",
    }
)  # fmt: skip


def name_key(account_name: str) -> str:
    """How names are compared: Active Directory and Keycloak do not tell upper from lower case."""
    return account_name.lower()


def name_fault(account_name: str) -> str | None:
    """The code of the rule a wished account name breaks, or None."""
    if not ACCOUNT_NAME_SHAPE.match(account_name):
        return "account_name_shape"
    if name_key(account_name) in RESERVED_NAMES:
        return "account_name_reserved"
    return None


ACCOUNT_NAME = Text(PASTED, narrow, missing="required", rule=name_fault)


@dataclass(frozen=True)
class AccountPolicy(PeoplePolicy, AgencyPolicy):
    freed_name_rest: timedelta = setting(timedelta(days=365), minimum=timedelta(0), maximum=timedelta(days=3650))
    activation_deadline: timedelta = setting(timedelta(days=30), minimum=timedelta(days=1), maximum=timedelta(days=365))
    activation_mail_resend_after: timedelta = setting(
        timedelta(seconds=60), minimum=timedelta(0), maximum=timedelta(days=1)
    )
    activation_mails_per_day: int = setting(10, minimum=1, maximum=100)


class AccountState(StrEnum):
    NOT_ACTIVATED = "not_activated"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class AccountMove(StrEnum):
    ACTIVATE = "activate"
    DISABLE = "disable"
    RESTORE = "restore"
    REMAKE = "remake"
    DELETE = "delete"


MOVES = MappingProxyType(
    {
        (AccountState.NOT_ACTIVATED, AccountMove.ACTIVATE): AccountState.ENABLED,
        (AccountState.NOT_ACTIVATED, AccountMove.DISABLE): AccountState.DISABLED,
        (AccountState.ENABLED, AccountMove.DISABLE): AccountState.DISABLED,
        (AccountState.DISABLED, AccountMove.RESTORE): AccountState.NOT_ACTIVATED,
        # Its password was lost in a target: a new one is chosen as the first was.
        (AccountState.ENABLED, AccountMove.REMAKE): AccountState.NOT_ACTIVATED,
        (AccountState.DISABLED, AccountMove.DELETE): AccountState.DELETED,
    }
)


class AccountKind(StrEnum):
    """個人公務帳號 / 機關及資訊系統帳號."""

    PERSONAL = "personal"
    SHARED = "shared"


class DisableCause(StrEnum):
    """Why an account was disabled, where that is not for its managers to say in words."""

    SECURITY = "security"
    """Emergency suspension: no guard holds it back."""
    NOT_ACTIVATED_IN_TIME = "not_activated_in_time"


class NameHolder(StrEnum):
    """Who holds a taken name."""

    ACCOUNT = "account"
    CASE = "case"
    AD = "ad"
    KEYCLOAK = "keycloak"


def entered(
    clean: Callable[[Any], Any] = lambda value: value,
    fault: Callable[[Any], str | None] = lambda _value: None,
    *,
    shown: Callable[[Any], object] = lambda value: value,
) -> dict[str, Any]:
    """The metadata of a field that somebody fills in."""
    return {"clean": clean, "fault": fault, "shown": shown}


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody fills in. Each field says how it is cleaned, what it must look like, and what a record shows of it;
    one that holds such a thing itself counts as that one's fields.
    """

    def cleaned(self) -> Self:
        """The same with stray blanks gone."""
        return replace(self, **self._each("clean"), **{name: part.cleaned() for name, part in self._parts().items()})

    def faults(self) -> dict[str, str]:
        """Field → code of the rule it breaks, for what can be told without the database."""
        faults = {name: fault for name, fault in self._each("fault").items() if fault}
        for part in self._parts().values():
            faults |= part.faults()
        return faults

    def audited(self) -> dict[str, object]:
        """What a record may show of it."""
        shown: dict[str, object] = {}
        for part in self._parts().values():
            shown |= part.audited()
        return shown | self._each("shown")

    def _each(self, what: str) -> dict[str, Any]:
        return {
            declared.name: declared.metadata[what](getattr(self, declared.name))
            for declared in fields(self)
            if what in declared.metadata
        }

    def _parts(self) -> dict[str, Entered]:
        values = {declared.name: getattr(self, declared.name) for declared in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Entered)}


def typed(
    kind: Text, *, optional: bool = False, shown: Callable[[Any], object] = lambda value: value
) -> dict[str, Any]:
    """The metadata of a field that is a text of this kind, or of an `optional` one that is None where there is none."""
    clean: Callable[[Any], Any] = (lambda text: kind.clean(text) or None) if optional else kind.clean
    return entered(clean, kind.fault, shown=shown) | {"longest": kind.longest}


def longest_texts(kind: type[Entered]) -> dict[str, int]:
    """How long each text of such a thing may be, by its field's name."""
    return {each.name: each.metadata["longest"] for each in fields(kind) if "longest" in each.metadata}


@dataclass(frozen=True, slots=True)
class Profile(Entered):
    """What an official's account says about him; the registry's fields that reach AD and Keycloak."""

    name: str = field(metadata=typed(NAME))
    title: str = field(metadata=typed(TITLE))
    phone: str = field(default="", metadata=typed(PHONE))
    extension: str = field(default="", metadata=typed(EXTENSION))
    mobile: str = field(default="", metadata=typed(MOBILE, shown=lambda mobile: f"…{mobile[-3:]}") | SEALED)
    unit_id: AgencyId | None = None
    unit_name: str = field(default="", metadata=typed(UNIT_NAME))
    official_mail: str | None = field(default=None, metadata=typed(OFFICIAL_MAIL, optional=True))

    def cleaned(self) -> Self:
        """An extension that was typed behind the telephone number stands in its own field."""
        cleaned = Entered.cleaned(self)
        return cleaned if cleaned.extension else cleaned.with_telephone(cleaned.phone)

    @property
    def telephone(self) -> str:
        """As directories write it."""
        return f"{self.phone}#{self.extension}" if self.extension else self.phone

    def with_telephone(self, text: str) -> Self:
        phone, _, extension = text.partition("#")
        return replace(self, phone=phone, extension=extension)

    def check(self) -> None:
        faults = self.faults()
        if faults:
            raise Invalid(fields=faults)

    def compared(self) -> dict[str, str]:
        """What tells whether two that are alike are the same person's."""
        return {name: str(getattr(self, name)) for name in ("name", "title", "unit_name", "phone", "mobile")}


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `agency_id` is never a unit; `mailbox` is the verified backup mailbox. The profile's official mailbox
    is what somebody entered; `official_mail_proved_at` is when its owner entered the code that was mailed there.
    `renewed_at` is when it last had to be activated once more, because it was restored or made anew.

    `person_id` is the owner of a personal account, and of a shared one the person who answers for it.
    """

    id: AccountId
    person_id: PersonId
    account_name: str
    agency_id: AgencyId
    agency_path: Path
    profile: Profile
    mailbox: str = field(metadata=SEALED)
    language: str
    state: AccountState
    created_at: datetime
    approved_at: datetime
    activated_at: datetime | None = None
    state_cause: DisableCause | None = None
    state_reason: str = ""
    version: int = 1
    kind: AccountKind = AccountKind.PERSONAL
    deleted_at: datetime | None = None
    official_mail_proved_at: datetime | None = None
    renewed_at: datetime | None = None

    @property
    def to_activate_since(self) -> datetime:
        """From when on its time to be activated counts."""
        return self.renewed_at or self.approved_at

    @property
    def published_mail(self) -> str | None:
        """The official mailbox as others may see it: one that was proved."""
        return self.profile.official_mail if self.official_mail_proved_at is not None else None

    def with_profile(self, profile: Profile, *, now: datetime) -> Account:
        """Another official mailbox has to be proved anew, but for one that is the backup mailbox: who activated the
        account used the link that was mailed there.
        """
        mail, proved_at = profile.official_mail, self.official_mail_proved_at
        if mail is None or mail != self.profile.official_mail:
            proved_at = None
        if mail is not None and mail == self.mailbox and self.state is not AccountState.NOT_ACTIVATED:
            proved_at = proved_at or now
        return replace(self, profile=profile, official_mail_proved_at=proved_at)

    @property
    def is_deleted(self) -> bool:
        return self.state is AccountState.DELETED

    @property
    def is_enabled(self) -> bool:
        return self.state is AccountState.ENABLED

    @property
    def needs_otp(self) -> bool:
        """Whether its person signs in with a one-time password; whoever shares one has none of his own."""
        return self.is_enabled and self.kind is AccountKind.PERSONAL

    def moved(
        self, move: AccountMove, *, now: datetime, reason: str = "", cause: DisableCause | None = None
    ) -> Account:
        """The account after `move`. Raises IllegalMove where its state does not allow it."""
        state = MOVES.get((self.state, move))
        if state is None:
            raise IllegalMove("account_state", state=self.state.value, move=move.value)
        deleted = now if move is AccountMove.DELETE else self.deleted_at
        renewed, activated = self.renewed_at, self.activated_at
        if move is AccountMove.ACTIVATE:
            activated = now
        elif move in {AccountMove.RESTORE, AccountMove.REMAKE}:
            renewed, activated = now, None
        return replace(
            self,
            state=state,
            renewed_at=renewed,
            activated_at=activated,
            deleted_at=deleted,
            state_cause=cause,
            state_reason=reason,
        )
