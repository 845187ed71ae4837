"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import hufu_registry.sessions.use_cases as sessions
import hufu_registry.sync.use_cases as sync
from hufu_registry.agencies.model import Agency
from hufu_registry.cases.engine.model import Case, CasePolicy, Form
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.work import Services


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

    def places_among(self, agency_ids: Collection[AgencyId]) -> Collection[AgencyId]:
        """Those agencies and units that have some that wait."""

    def hand_over(self, agency_id: AgencyId, successor: Agency) -> Sequence[CaseId]:
        """Its waiting cases are the successor's; their ids."""

    def deciding_agency(self, agency_id: AgencyId) -> AgencyId | None:
        """The agency itself, else the nearest above with an enabled manager rooted there; None: system managers."""

    def assign_deciders(self, agency_ids: Collection[AgencyId] | None = None) -> int:
        """Write down who decides the cases of these agencies and of all below them, or of all: how many changed."""

    def deciders(self, agency_id: AgencyId | None) -> Sequence[tuple[str, str]]:
        """(mailbox, language) of the enabled managers rooted at the agency; of system managers for None."""

    def seen_by(self, viewer: AccountId, case_id: CaseId) -> Case:
        """Raises NotFound("case") for one that the viewer may not see, as for one that does not exist."""

    def is_same_person(self, case: Case, account_id: AccountId) -> bool:
        """Whether the case is the account owner's own: his mailbox or his mobile, on any of his accounts."""


class Work(sync.Work, sessions.Work, Protocol):
    @property
    def policy(self) -> CasePolicy: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def case_types(self) -> Mapping[str, CaseType]:
        """Every feature's types of cases by their names."""


@dataclass(frozen=True, slots=True)
class CaseType:
    """A type of case. `form` is a frozen dataclass; the page's part is `cases/types/<name>.html`.

    `approve` does what an approval means, within the decision's transaction, given what the manager entered beside it;
    the account that came of it, if any. `give_up` frees what the case had reserved when it is rejected or withdrawn.
    """

    name: str
    form: type[Form]
    approve: Callable[[Work, Services[Work], Case, Mapping[str, str]], AccountId | None]
    give_up: Callable[[Work, Case], None]
