"""Accounts: their names, their states, and what they say about an official."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from hufu_registry.agencies.model import Path
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.people.model import MAILBOX_SHAPE, NAME_LENGTH, clean_name, plain

ACCOUNT_NAME_SHAPE = re.compile(r"^[A-Za-z][A-Za-z0-9]{4,14}\Z")
PHONE_SHAPE = re.compile(r"^[0-9+#*()\- ]{6,20}\Z")
EXTENSION_SHAPE = re.compile(r"^[0-9]{1,8}\Z")
MOBILE_SHAPE = re.compile(r"^09[0-9]{8}\Z")
TITLE_LENGTH = 60
UNIT_NAME_LENGTH = 100
REASON_LENGTH = 500

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


# The reason of a disabling that no guard may hold back.
SECURITY = "security"


class NameHolder(StrEnum):
    """Who holds a taken name."""

    ACCOUNT = "account"
    CASE = "case"
    AD = "ad"
    KEYCLOAK = "keycloak"


@dataclass(frozen=True, slots=True)
class Profile:
    """What an official's account says about him; the registry's fields that reach AD and Keycloak."""

    name: str
    title: str
    phone: str = ""
    extension: str = ""
    mobile: str = ""
    unit_id: AgencyId | None = None
    unit_name: str = ""
    official_mail: str | None = None

    def cleaned(self) -> Profile:
        """The same with stray blanks gone, 姓名 in NFC and the mobile as ten digits."""
        return replace(
            self,
            name=clean_name(self.name),
            title=clean_name(self.title),
            unit_name=clean_name(self.unit_name),
            phone=plain(self.phone),
            extension=plain(self.extension),
            mobile=clean_mobile(self.mobile),
            official_mail=plain(self.official_mail or "").lower() or None,
        )

    def faults(self) -> dict[str, str]:
        """Field → code of the rule it breaks."""
        rules = {
            "name": length_fault(self.name, NAME_LENGTH, required=True),
            "title": length_fault(self.title, TITLE_LENGTH, required=True),
            "unit_name": length_fault(self.unit_name, UNIT_NAME_LENGTH),
            "phone": None if PHONE_SHAPE.match(self.phone) else "phone_shape",
            "extension": None if not self.extension or EXTENSION_SHAPE.match(self.extension) else "extension_shape",
            "mobile": None if MOBILE_SHAPE.match(self.mobile) else "mobile_shape",
            "official_mail": (
                None if not self.official_mail or MAILBOX_SHAPE.match(self.official_mail) else "mailbox_shape"
            ),
        }
        return {field: fault for field, fault in rules.items() if fault}

    def check(self) -> None:
        faults = self.faults()
        if faults:
            raise Invalid(fields=faults)

    def audited(self) -> dict[str, object]:
        """What a record may show; of the mobile only its end."""
        return {
            "name": self.name,
            "title": self.title,
            "unit_name": self.unit_name,
            "phone": self.phone,
            "extension": self.extension,
            "mobile": f"…{self.mobile[-3:]}",
            "official_mail": self.official_mail,
        }


@dataclass(frozen=True, slots=True)
class Account:
    """An account. `agency_id` is never a unit; `mailbox` is the verified backup mailbox.

    `person_id` is the owner of a personal account, and of a shared one the person who answers for it.
    """

    id: AccountId
    person_id: PersonId
    account_name: str
    agency_id: AgencyId
    agency_path: Path
    profile: Profile
    mailbox: str
    language: str
    state: AccountState
    created_at: datetime
    approved_at: datetime
    activated_at: datetime | None = None
    state_reason: str = ""
    version: int = 1
    kind: AccountKind = AccountKind.PERSONAL
    deleted_at: datetime | None = None

    def moved(self, move: AccountMove, *, now: datetime, reason: str = "") -> Account:
        """The account after `move`. Raises IllegalMove where its state does not allow it."""
        state = MOVES.get((self.state, move))
        if state is None:
            raise IllegalMove("account_state", state=self.state.value, move=move.value)
        activated = now if move is AccountMove.ACTIVATE else self.activated_at
        deleted = now if move is AccountMove.DELETE else self.deleted_at
        # It is as if it were approved anew: its time to activate begins again.
        approved = now if move in {AccountMove.RESTORE, AccountMove.REMAKE} else self.approved_at
        return replace(
            self,
            state=state,
            approved_at=approved,
            activated_at=activated,
            deleted_at=deleted,
            state_reason=reason,
        )


def length_fault(text: str, longest: int, *, required: bool = False) -> str | None:
    if required and not text:
        return "required"
    return "too_long" if len(text) > longest else None


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


def clean_mobile(text: str) -> str:
    """A Taiwanese mobile as its ten digits; blanks, dashes and +886 are folded, anything else is left to fail."""
    digits = plain(text).replace(" ", "").replace("-", "")
    return f"0{digits[4:]}" if digits.startswith("+886") else digits
