"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import hufu_registry.sessions.use_cases as sessions
import hufu_registry.sync.use_cases as sync
from hufu_registry.cases.model import Case, CasePolicy
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId


class Cases(Protocol):
    def next_number(self) -> int: ...

    def add(self, case: Case, *, form_key: str) -> None: ...

    def by_form_key(self, form_key: str) -> Case | None:
        """The case this very form made when it was sent before."""

    def get(self, case_id: CaseId, *, lock: bool = False) -> Case:
        """Raises NotFound("case")."""

    def by_account(self, account_id: AccountId) -> Case | None: ...

    def newest_of_mailbox(self, mailbox_key: str) -> Case | None:
        """The open case of the mailbox, else its newest."""

    def has_open(self, mailbox_key: str) -> bool: ...

    def save(self, case: Case) -> None:
        """Write a case that this transaction holds locked."""

    def deciding_agency(self, agency_id: AgencyId) -> AgencyId | None:
        """The agency itself, else the nearest above with an enabled manager rooted there; None: system managers."""

    def assign_deciders(self, agency_ids: Collection[AgencyId] | None = None) -> int:
        """Write down who decides the cases of these agencies and of all below them, or of all: how many changed."""

    def deciders(self, agency_id: AgencyId | None) -> Sequence[tuple[str, str]]:
        """(mailbox, language) of the enabled managers rooted at the agency; of system managers for None."""

    def is_same_person(self, case: Case, account_id: AccountId) -> bool:
        """Whether the case is the account owner's own: his mailbox or his mobile, on any of his accounts."""


class Work(sync.Work, sessions.Work, Protocol):
    @property
    def policy(self) -> CasePolicy: ...
    @property
    def cases(self) -> Cases: ...
