"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import hufu_registry.sync.use_cases as sync
from hufu_registry.accounts.use_cases.ports import Manager
from hufu_registry.agencies.model import Agency
from hufu_registry.cases.consent import CURRENT, Consent
from hufu_registry.cases.engine.model import Case, Form
from hufu_registry.cases.notices import CASE_APPROVED, CASE_RECEIVED, CASE_REJECTED, CASE_WITHDRAWN
from hufu_registry.cases.permissions import DECIDE_CASES, SEE_CASES
from hufu_registry.kernel.feature import Feature, NoticeType
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.permissions import Permission
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

    def deciding_agency(self, agency_id: AgencyId, decides: Permission) -> AgencyId | None:
        """The agency itself, else the nearest above at which a grant of somebody enabled is rooted that gives the
        permission; None: the system managers.
        """

    def assign_deciders(self, agency_ids: Collection[AgencyId] | None = None) -> int:
        """Write down who decides the cases of these agencies and of all below them, or of all: how many changed."""

    def deciders(self, agency_id: AgencyId | None, decides: Permission) -> Sequence[Manager]:
        """Those enabled to whom a grant rooted at the agency gives the permission; of system
        managers for None. At most fifty, whose accounts are the eldest: the others see the case in the queue.
        """

    def seen_by(self, viewer: AccountId, case_id: CaseId) -> Case:
        """Raises NotFound("case") for one that the viewer may not see, as for one that does not exist."""

    def is_same_person(self, case: Case, account_id: AccountId) -> bool:
        """Whether the case is the account owner's own: his mailbox or his mobile, on any of his accounts."""


class Work(sync.Work, Protocol):
    @property
    def cases(self) -> Cases: ...
    @property
    def case_types(self) -> Mapping[str, CaseType]:
        """Every feature's types of cases by their names."""


def reserves_nothing(_work: Work, _case: Case, _before: Case | None) -> None:
    """For types that keep nothing from others while they wait."""


def gives_up_nothing(_work: Work, _case: Case) -> None:
    """As `reserves_nothing`."""


@dataclass(frozen=True, slots=True)
class CaseType:
    """A type of case. `form` is a frozen dataclass; the page's part is `cases/types/<name>.html`.

    `check` is given the form as it was typed and the mailbox it comes from: the agency it goes to, and the form as it
    is stored; Invalid with every fault at once. `approve` does what an approval means, within the decision's
    transaction, given what the manager entered beside it; the account that came of it, if any. `reserve` keeps from
    others what a waiting case wants, and lets go what it wanted before a change; Invalid where it is taken. `give_up`
    lets go of it when the case is rejected or withdrawn.

    `sees` and `decides` are the permissions it takes to look at one and to decide it: queue, search, page, decision,
    the agency it comes up to and the mail to those who decide follow them. The mails about an account, and what the
    applicant agrees to, are the usual ones; a type that is about something else has its own, the mails with the same
    values. One open case a mailbox is the engine's, whatever the types: an applicant follows his case by his mailbox.
    """

    name: str
    form: type[Form]
    check: Callable[[Work, Form, str], tuple[Agency, Form]]
    approve: Callable[[Work, Services[Work], Case, Mapping[str, str]], AccountId | None]
    reserve: Callable[[Work, Case, Case | None], None] = reserves_nothing
    give_up: Callable[[Work, Case], None] = gives_up_nothing
    sees: Permission = SEE_CASES
    decides: Permission = DECIDE_CASES
    consent: Consent = CURRENT
    received: NoticeType = CASE_RECEIVED
    approved: NoticeType = CASE_APPROVED
    rejected: NoticeType = CASE_REJECTED
    withdrawn: NoticeType = CASE_WITHDRAWN


def types_in(features: Iterable[Feature]) -> Mapping[str, CaseType]:
    """By their names."""
    return {kind.name: kind for feature in features for kind in feature.case_types}
