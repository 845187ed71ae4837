"""The people who decide: the first system manager, and the managers of agencies."""

from __future__ import annotations

from dataclasses import dataclass

import hufu_registry.accounts.use_cases as accounts
from hufu_registry.accounts.model import Account, AccountState, Profile, name_fault
from hufu_registry.agencies.model import HOMES
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import MAILBOX_SHAPE
from hufu_registry.rights.permissions import APPOINT_MANAGERS
from hufu_registry.rights.use_cases import grant_role


@dataclass(frozen=True, slots=True)
class FirstSystemManager:
    account_name: str
    name: str
    mailbox: str
    agency_oid: str
    title: str = "系統管理者"
    language: str = "zh_Hant_TW"


def first_system_manager(command: FirstSystemManager, services: Services[Work], actor: Actor) -> AccountId:
    """Make the account that appoints all others, and mail its link. Only while there is no system manager.

    Raises IllegalMove("system_manager_exists"), Invalid(fields), Conflict("account_name_taken").
    """
    fault = name_fault(command.account_name)
    faults = {"account_name": fault} if fault else {}
    if not MAILBOX_SHAPE.match(command.mailbox):
        faults["mailbox"] = "mailbox_shape"
    with services.begin(actor) as work:
        agency = work.agencies.find_by_oid(command.agency_oid)
        if agency is None or agency.kind not in HOMES:
            faults["agency_oid"] = "agency_unknown"
        if faults or agency is None:
            raise Invalid(fields=faults)
        if work.grants.any_system_manager():
            raise IllegalMove("system_manager_exists")
        account = Account(
            id=AccountId(services.ids.new()),
            person_id=PersonId(services.ids.new()),
            account_name=command.account_name,
            agency_id=agency.id,
            agency_path=agency.path,
            profile=Profile(name=command.name, title=command.title),
            mailbox=command.mailbox.lower(),
            language=command.language,
            state=AccountState.NOT_ACTIVATED,
            created_at=work.now,
            approved_at=work.now,
        )
        accounts.open_account(work, services, account)
        grant_role(work, services, account.id, Role.SYSTEM_MANAGER, None)
    return account.id


def appoint_manager(
    account_id: AccountId,
    agency_id: AgencyId,
    services: Services[Work],
    actor: Actor,
    *,
    with_subordinates: bool = False,
) -> None:
    """A system manager (or an operator at the command) makes an account the manager of an agency."""
    with services.begin(actor) as work:
        work.agencies.lock([agency_id], for_change=True)
        work.require(APPOINT_MANAGERS, work.agencies.get(agency_id))
        account = work.accounts.get(account_id)
        if account.agency_id != agency_id and not account.agency_path.covers(work.agencies.get(agency_id).path):
            raise IllegalMove("manager_of_another_agency")
        grant_role(work, services, account_id, Role.AGENCY_MANAGER, agency_id, with_subordinates=with_subordinates)
