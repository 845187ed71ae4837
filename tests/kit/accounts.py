"""Accounts and applications with defaults: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from hufu_registry.accounts.model import Account, AccountMove, AccountState, Profile
from hufu_registry.accounts.use_cases import move_account, open_account
from hufu_registry.agencies.model import Agency, AgencyKind, Path
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.types.activation import Application
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.permissions import Role
from hufu_registry.policy.use_cases import ChangeSetting, change_setting
from hufu_registry.rights.use_cases import grant_role

LANGUAGE = "zh_Hant_TW"
NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
AGENCY_ID = AgencyId(3)
OF_PROFILE = frozenset(field.name for field in fields(Profile))
HasProfile = TypeVar("HasProfile", Account, Application)


def changed(thing: HasProfile, changes: Mapping[str, Any]) -> HasProfile:
    """With other fields, its own or its profile's."""
    own = {name: value for name, value in changes.items() if name not in OF_PROFILE}
    profile = {name: value for name, value in changes.items() if name in OF_PROFILE}
    return replace(thing, profile=replace(thing.profile, **profile), **own)


def an_agency(path: str = "1.2.3") -> Agency:
    """One that no registry knows."""
    *_, parent_id, agency_id = Path(path).ids
    return Agency(agency_id, parent_id, Path(path), AgencyKind.AGENCY, "測試署", "測試署", None, None, agency_id)


def an_account(agency: Agency | None = None, **changes: Any) -> Account:
    """王小明's, not activated; no registry knows it."""
    agency = agency or an_agency()
    account_id = AccountId(uuid4())
    name = changes.pop("account_name", "") or f"u{account_id.hex[:12]}"
    created_at = changes.pop("created_at", NOW)
    account = Account(
        id=account_id,
        person_id=PersonId(uuid4()),
        account_name=name,
        agency_id=agency.id,
        agency_path=agency.path,
        profile=Profile(name="王小明", title="科員", phone="02-81234567", mobile="0912345678"),
        mailbox=f"{name}@example.org",
        language=LANGUAGE,
        state=AccountState.NOT_ACTIVATED,
        created_at=created_at,
        approved_at=created_at,
    )
    return changed(account, changes)


def official(
    services: SqlServices,
    agency: Agency,
    account_name: str = "",
    *,
    state: AccountState = AccountState.ENABLED,
    role: Role | None = None,
    with_subordinates: bool = False,
    **changes: Any,
) -> Account:
    """An account of the registry, enabled or not activated, with a role at its agency."""
    account = an_account(agency, account_name=account_name, created_at=services.clock.now(), **changes)
    with services.begin(SYSTEM) as work:
        open_account(work, services, account)
    with services.begin(SYSTEM) as work:
        if state is AccountState.ENABLED:
            move_account(work, work.accounts.get(account.id), AccountMove.ACTIVATE)
        if role is not None:
            place = None if role is Role.SYSTEM_MANAGER else agency.id
            grant_role(work, services, account.id, role, place, with_subordinates=with_subordinates)
    with services.begin() as work:
        return work.accounts.get(account.id)


def official_domains(services: SqlServices, agency: Agency, domains: str) -> None:
    """Where the official mailboxes of the agency and of those below lie."""
    change_setting(ChangeSetting("official_mail_domains", domains, agency.id), services, OPERATOR)


def an_application(**changes: Any) -> Application:
    form = Application(
        account_name="wangxm",
        agency_id=AGENCY_ID,
        profile=Profile(name="王小明", title="科員", phone="02-81234567", mobile="0912345678"),
        reason="新進人員",
    )
    return changed(form, changes)
