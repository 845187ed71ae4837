"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import hufu_registry.people.use_cases as people
import hufu_registry.propagation.use_cases as propagation
import hufu_registry.rights.use_cases as rights
from hufu_registry.accounts.model import Account, AccountPolicy, NameHolder
from hufu_registry.agencies.model import Agency, Path
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Manager:
    """Somebody to be told about others' accounts."""

    account_id: AccountId
    mailbox: str
    language: str


class Accounts(Protocol):
    def get(self, account_id: AccountId, *, lock: bool = False) -> Account:
        """Raises NotFound("account")."""

    def find(self, account_id: AccountId) -> Account | None: ...

    def hold(self, account_id: AccountId) -> Account | None:
        """The account, locked without waiting for anybody; None where somebody holds it, or there is none."""

    def find_by_name(self, account_name: str) -> Account | None: ...

    def by_mailbox(self, mailbox_key: str) -> list[Account]:
        """Those not deleted whose backup mailbox it is."""

    def official_mail_of(self, mail: str) -> AccountId | None:
        """The one that is not deleted and has proved that it is his."""

    def add(self, account: Account) -> None:
        """Raises Conflict("official_mail_taken") where another proved it first, as `save` does."""

    def save(self, account: Account) -> None:
        """Raises Conflict("changed_meanwhile") where the stored version is not the one that was read."""

    def at_or_below(self, path: Path) -> Mapping[AgencyId, Sequence[AccountId]]:
        """Those not deleted, by their agency."""

    def places_among(self, agency_ids: Collection[AgencyId]) -> Collection[AgencyId]:
        """Those agencies and units that have some that are not deleted."""

    def unit_renamed(self, unit_id: AgencyId, name: str) -> Sequence[OutboxKey]:
        """Write the new name to those of the unit; the outbox rows of those that are wanted anywhere."""

    def hand_over(self, agency_id: AgencyId, successor: Agency) -> Sequence[AccountId]:
        """All of an agency's that are not deleted become its successor's; their ids."""

    def has_other_holder(self, permission: Permission, agency_id: AgencyId | None, besides: AccountId) -> bool: ...

    def managers_above(self, path: Path | None, permission: Permission) -> Sequence[Manager]:
        """Those enabled whose grant rooted above the agency covers it and gives the permission: of the nearest agency
        that has some, else system managers, as for None. At most fifty, whose accounts are the eldest.
        """

    def unactivated_since(self, moment: datetime, limit: int) -> list[AccountId]:
        """Accounts approved, and if so restored, before then and still not activated."""


class Names(Protocol):
    """Taken names: one row a name, whoever holds it."""

    def is_free(self, key: str, *, now: datetime, case_id: UUID | None = None) -> bool:
        """Whether nobody holds it (but this case itself), nor freed it less than the policy's rest ago."""

    def take(self, key: str, holder: NameHolder, holder_id: UUID | None, *, case_id: UUID | None = None) -> bool:
        """Take a free name, or one this case holds; false when somebody else was first."""

    def release(self, key: str, holder_id: UUID, *, rest: bool) -> None:
        """Free a name; with `rest` nobody gets it for the policy's time."""


class SignInLocks(Protocol):
    def unlock(self, account_id: AccountId, source: Target | None = None) -> bool:
        """Forget the lock of one source, or of all; false where there was none."""


class Work(people.Work, rights.Work, propagation.Work, Protocol):
    @property
    def policy(self) -> AccountPolicy: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def names(self) -> Names: ...
    @property
    def sign_in_locks(self) -> SignInLocks: ...
