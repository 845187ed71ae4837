"""A person's one-time password: a new one in place of one that is lost, by a link that is mailed."""

from __future__ import annotations

from datetime import timedelta

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.accounts.notices import OTP_MISSING, OTP_RESET
from hufu_registry.accounts.permissions import RESET_OTP
from hufu_registry.accounts.use_cases.notifications import limit_link_mails
from hufu_registry.accounts.use_cases.permission import account_to_change
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.feature import NoticeType
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.use_cases import enqueue_account, request_action

# Who is away finds one mail for each week when he comes back.
MISSING_MAILED_EVERY = timedelta(days=7)


def reset_otp(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """Its person lost the phone: he is mailed a link that asks the present password and sets up a new one-time
    password. The old one ends only then.

    Raises NotFound("account") outside the asker's scope, Denied("wider_rights"), IllegalMove("account_state") unless
    it is enabled and somebody's own, RateLimited("otp_mail_wait", seconds), RateLimited("otp_mails_used_up").
    """
    with services.begin(actor) as work:
        account = account_to_change(work, actor, RESET_OTP, account_id)
        # A shared account has none: whoever used the link would set one up for all.
        if account.state is not AccountState.ENABLED or not account.needs_otp:
            raise IllegalMove("account_state", state=account.state.value, move="reset_otp")
        limit_link_mails(work, ActionKind.OTP_MAIL, account.id)
        _mail_link(work, services, account, "account.otp_reset", OTP_RESET)


def otp_is_missing(work: Work, services: Services[Work], account_id: AccountId, *, again: bool = False) -> None:
    """A target saw an account in use without a one-time password: nobody can sign in with it. Its person is mailed a
    link, once a week, or `again` because somebody asks. Joins the caller's transaction; nothing for an account that
    needs none (any more).
    """
    # A worker holds rows of the queue, for which whoever holds the account may wait: so it waits for nobody. What is
    # left alone, since another tells of it right now or acts on it, is seen again.
    account = work.accounts.get(account_id, lock=True) if again else work.accounts.hold(account_id)
    if account is None or not account.needs_otp:
        return
    if again:
        limit_link_mails(work, ActionKind.OTP_MAIL, account_id)
    mailed = work.actions.requested_since(ActionKind.OTP_MAIL, account_id, work.now - MISSING_MAILED_EVERY)
    if again or not mailed:
        _mail_link(work, services, account, "account.otp_missing", OTP_MISSING)


def _mail_link(work: Work, services: Services[Work], account: Account, recorded_as: str, notice: NoticeType) -> None:
    request_action(work, services, ActionKind.OTP_MAIL, account.id)
    enqueue_account(work, services, account)
    work.audit.record(recorded_as, object_kind="account", object_id=str(account.id), agency_id=account.agency_id)
    values = {"name": account.profile.name, "account_name": account.account_name}
    work.notices.send(notice, account.mailbox, account.language, values, account_id=account.id)
