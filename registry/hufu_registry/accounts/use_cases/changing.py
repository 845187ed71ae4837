"""What an account says of its official."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hufu_registry.accounts.model import Account, AccountState, Profile
from hufu_registry.accounts.notices import MAILBOX_CORRECTED
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS
from hufu_registry.accounts.use_cases.permission import account_to_change, hold_places
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.agencies.model import Agency, AgencyKind, lies_under
from hufu_registry.audit.model import differences
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import MAILBOX, Purpose, hinted
from hufu_registry.people.use_cases import proved_mailbox
from hufu_registry.propagation.use_cases import enqueue_account


@dataclass(frozen=True, slots=True)
class ChangeAccount:
    """What a manager mends in an official's data; `version` is the account's as the manager saw it."""

    account_id: AccountId
    version: int
    profile: Profile


def change_account(command: ChangeAccount, services: Services[Work], actor: Actor) -> Account:
    """Change what an account says of its official; the targets follow.

    Raises NotFound("account") outside the asker's scope, Invalid(fields), Conflict("changed_meanwhile"),
    IllegalMove("account_state") for a deleted one.
    """
    with services.begin(actor) as work:
        account = account_to_change(work, actor, EDIT_ACCOUNTS, command.account_id)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="change")
        agency = work.agencies.get(account.agency_id)
        profile = with_unit_of(work, account, agency, command.profile.cleaned())
        profile.check()
        check_official_mail(work, agency, profile, account.id)
        if account.version != command.version:
            raise Conflict("changed_meanwhile")
        if profile == account.profile:
            return account
        changed = account.with_profile(profile, now=work.now)
        work.accounts.save(changed)
        old, new = differences(account.profile.audited(), profile.audited())
        work.audit.record(
            "account.changed",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            old=old,
            new=new,
        )
        enqueue_account(work, services, changed)
    return changed


def correct_mailbox(account_id: AccountId, mailbox: str, services: Services[Work], actor: Actor) -> Account:
    """Another backup mailbox in place of one that the sign-in server does not take: the account goes on. Both mailboxes
    are told. Of an account that goes on already nobody changes it: whoever has the mailbox has the account (0051).

    Raises NotFound("account") outside the asker's scope, Denied("wider_rights"), Invalid(mailbox),
    IllegalMove("account_state") for a deleted one, IllegalMove("mailbox_not_refused").
    """
    corrected = MAILBOX.checked(mailbox, "mailbox")
    with services.begin(actor) as work:
        account = account_to_change(work, actor, EDIT_ACCOUNTS, account_id)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="correct_mailbox")
        if not work.administration.refuses_mailbox(account_id):
            raise IllegalMove("mailbox_not_refused")
        changed = replace(account, mailbox=corrected)
        work.accounts.save(changed)
        work.audit.record(
            "account.mailbox_corrected",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            old={"mailbox": hinted(account.mailbox)},
            new={"mailbox": hinted(corrected)},
        )
        enqueue_account(work, services, changed)
        values = {
            "name": account.profile.name, "account_name": account.account_name, "mailbox": hinted(corrected),
        }  # fmt: skip
        work.notices.send(MAILBOX_CORRECTED, account.mailbox, account.language, values)
        work.notices.send(MAILBOX_CORRECTED, corrected, account.language, values, account_id=account.id)
    return changed


def check_official_mail(work: Work, agency: Agency, profile: Profile, account_id: AccountId) -> None:
    """It lies under the domains that are set for the agency or the nearest above, and nobody else proved it to be his.

    Raises Invalid(official_mail="official_mail_none", "official_mail_domain" or "official_mail_taken").
    """
    mail, domains = profile.official_mail, work.policy_at(agency).official_mail_domains
    if not mail:
        return
    if not lies_under(mail, domains):
        raise Invalid(fields={"official_mail": "official_mail_domain" if domains else "official_mail_none"})
    if work.accounts.official_mail_of(mail) not in {None, account_id}:
        raise Invalid(fields={"official_mail": "official_mail_taken"})


def prove_official_mail(browser: str, services: Services[Work], actor: Actor) -> Account:
    """Its owner entered in this browser the code that was mailed there: from now on tokens and the directory say it.

    Raises NotFound("account"), NotFound("mailbox_not_verified"), IllegalMove("official_mail_changed") for a code that
    went to another mailbox, what `check_official_mail` raises, Conflict("official_mail_taken") for who came second.
    """
    with services.begin(actor) as work:
        if actor.account_id is None:
            raise NotFound("account")
        hold_places(work, actor.account_id)
        account = work.accounts.get(actor.account_id, lock=True)
        if proved_mailbox(browser, Purpose.OFFICIAL_MAIL, services, work) != account.profile.official_mail:
            raise IllegalMove("official_mail_changed")
        if account.published_mail is not None:
            return account
        check_official_mail(work, work.agencies.get(account.agency_id), account.profile, account.id)
        proved = replace(account, official_mail_proved_at=work.now)
        work.accounts.save(proved)
        work.audit.record(
            "account.official_mail_proved",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            new={"official_mail": account.profile.official_mail},
        )
        enqueue_account(work, services, proved)
    return proved


def with_unit_of(work: Work, account: Account, agency: Agency, profile: Profile) -> Profile:
    """A unit must be one of the account's agency, and then gives its name; one that is named as the registry names it
    is that unit, and the account's own where it goes by the same name as before.
    """
    if profile.unit_id is None:
        if account.profile.unit_id is not None and profile.unit_name == account.profile.unit_name:
            return replace(profile, unit_id=account.profile.unit_id)
        return with_unit_named(work, agency, profile)
    unit = work.agencies.get(profile.unit_id)
    if unit.home_id != agency.id or unit.kind is not AgencyKind.UNIT:
        raise Invalid(fields={"unit_name": "unit_elsewhere"})
    return replace(profile, unit_name=unit.name)


def with_unit_named(work: Work, agency: Agency, profile: Profile) -> Profile:
    """A unit that is named as the registry names an open one of the agency is that unit."""
    unit = work.agencies.unit_named(agency, profile.unit_name, taipei_date(work.now)) if profile.unit_name else None
    return replace(profile, unit_id=None if unit is None else unit.id)
