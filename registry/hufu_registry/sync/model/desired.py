"""What the registry wants in each target: pure functions from agencies and accounts to `Desired`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from hufu_registry.accounts.model import Account, AccountState, DisableCause
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model.naming import printable, short_name
from hufu_registry.sync.model.plan import ASPECTS, ENABLED, PLACE, Desired
from hufu_registry.sync.model.work import BARS, Code

# A given name is wanted by much software, and 姓名 is one field: whatever is put there is shown beside the whole
# name in sn. A dot is what others write for people with one name.
NO_GIVEN_NAME = "."
LOCALES = {"en": "en"}
CHINESE = "zh-TW"
# What Keycloak calls the backup mailbox.
MAILBOX_FIELD = "email"

# Keycloak reads these from the directory; where there is none they are written.
FROM_DIRECTORY = frozenset({"display_name", "title", "official_mail", "unit_name", "account_id"})


def agency_mark(agency: Agency) -> str:
    return f"hufu:agency:{agency.id}"


def account_mark(account: Account) -> str:
    return f"hufu:account:{account.id}"


def may_sign_in(account: Account) -> bool:
    """Not activated accounts are enabled, too: else nobody could activate them."""
    return account.state in {AccountState.NOT_ACTIVATED, AccountState.ENABLED}


def for_security(account: Account) -> bool:
    return account.state is AccountState.DISABLED and account.state_cause is DisableCause.SECURITY


class TargetSchema(Protocol):
    """Which fields a target has, and how agencies and accounts are wanted there: all it says of its objects."""

    names_agencies: ClassVar[bool]
    """Whether an agency bears its name there, so that it must differ from those beside it."""
    taken: ClassVar[Mapping[Kind, Code]]
    """What is said where somebody else's object has the name of ours."""

    @property
    def fields(self) -> Mapping[Kind, frozenset[str]]:
        """The names of the fields we keep there; each wanted object has all of its kind's."""

    def agency(self, agency: Agency, name: str, place: str | None) -> Desired:
        """`name` is the agency's, made different from those beside it; "" unless the schema names agencies."""

    def account(self, account: Account, agency: Agency, unit_oid: str, place: str | None) -> Desired: ...


@dataclass(frozen=True, slots=True)
class DirectorySchema:
    domain: str
    names_agencies: ClassVar = True
    taken: ClassVar[Mapping[Kind, Code]] = {Kind.AGENCY: Code.OU_TAKEN, Kind.ACCOUNT: Code.NAME_TAKEN_IN_AD}
    fields: ClassVar[Mapping[Kind, frozenset[str]]] = {
        Kind.AGENCY: frozenset({"description", "businessCategory"}),
        Kind.ACCOUNT: frozenset(
            {
                "displayName", "sn", "givenName", "title", "department", "company", "departmentNumber",
                "telephoneNumber", "mail", "sAMAccountName", "userPrincipalName", "employeeNumber", "employeeType",
                BARS,
            }
        ),
    }  # fmt: skip

    def agency(self, agency: Agency, name: str, place: str | None) -> Desired:
        return Desired(
            kind=Kind.AGENCY,
            object_id=str(agency.id),
            mark=agency_mark(agency),
            name=name,
            place=place,
            fields={
                "description": printable(agency.name),
                "businessCategory": agency.oid or "",
            },
        )

    def account(self, account: Account, agency: Agency, unit_oid: str, place: str | None) -> Desired:
        del unit_oid
        profile = account.profile
        texts = {
            "displayName": profile.name,
            "sn": profile.name,
            "givenName": NO_GIVEN_NAME,
            "title": profile.title,
            "department": profile.unit_name,
            "company": short_name(agency.name),
            "departmentNumber": agency.oid or "",
            "telephoneNumber": profile.telephone,
            "mail": account.published_mail or "",
        }
        names = {
            "sAMAccountName": account.account_name,
            "userPrincipalName": f"{account.account_name}@{self.domain}",
            "employeeNumber": str(account.id),
            "employeeType": account.kind.value,
        }
        return Desired(
            kind=Kind.ACCOUNT,
            object_id=str(account.id),
            mark=account_mark(account),
            name=account.account_name,
            place=place,
            enabled=may_sign_in(account),
            fields={name: printable(text) for name, text in texts.items()} | names | {BARS: ""},
            enforced=frozenset({ENABLED}),
            for_security=for_security(account),
        )


def group_name(agency: Agency) -> str:
    return agency.oid or f"agency-{agency.id}"


@dataclass(frozen=True, slots=True)
class KeycloakSchema:
    with_directory: bool
    names_agencies: ClassVar = False
    taken: ClassVar[Mapping[Kind, Code]] = {Kind.AGENCY: Code.GROUP_TAKEN, Kind.ACCOUNT: Code.NAME_TAKEN_IN_KEYCLOAK}

    @property
    def fields(self) -> Mapping[Kind, frozenset[str]]:
        written = frozenset({MAILBOX_FIELD, "locale", "unit_oid"})
        return {
            Kind.AGENCY: frozenset({"agency_oid", "agency_name", "agency_code", "description"}),
            Kind.ACCOUNT: written if self.with_directory else written | FROM_DIRECTORY,
        }

    def agency(self, agency: Agency, name: str, place: str | None) -> Desired:
        """All three attributes stand on every group, so that none is ever taken from a parent."""
        del name
        return Desired(
            kind=Kind.AGENCY,
            object_id=str(agency.id),
            mark=agency_mark(agency),
            name=group_name(agency),
            place=place,
            fields={
                "agency_oid": agency.oid or "",
                "agency_name": agency.name,
                "agency_code": agency.agency_code or "",
                "description": agency.name,
            },
        )

    def account(self, account: Account, agency: Agency, unit_oid: str, place: str | None) -> Desired:
        """The e-mail is the backup mailbox, and stays in Keycloak."""
        del agency
        profile, kept = account.profile, self.fields[Kind.ACCOUNT]
        fields = {
            MAILBOX_FIELD: account.mailbox,
            "locale": LOCALES.get(account.language, CHINESE),
            "unit_oid": unit_oid,
            "account_id": str(account.id),
            "display_name": profile.name,
            "title": profile.title,
            "official_mail": account.published_mail or "",
            "unit_name": profile.unit_name,
        }
        return Desired(
            kind=Kind.ACCOUNT,
            object_id=str(account.id),
            mark=account_mark(account),
            name=account.account_name.lower(),
            place=place,
            enabled=may_sign_in(account),
            fields={name: text for name, text in fields.items() if name in kept},
            enforced=frozenset({ENABLED, PLACE}),
            for_security=for_security(account),
            second_factor=account.needs_otp,
        )


# Of all targets and kinds: what people may be told of by name.
FIELDS = ASPECTS.union(
    *DirectorySchema.fields.values(),
    *(names for with_directory in (True, False) for names in KeycloakSchema(with_directory).fields.values()),
)
