"""What somebody else changed in a target: take it over, write over it, or leave it for a while."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from hufu_registry.accounts.model import AccountState, Profile, longest_texts
from hufu_registry.accounts.use_cases import check_official_mail, otp_is_missing
from hufu_registry.audit.model import differences
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_midnight
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import MISSING, STRAY
from hufu_registry.sync.model.drift import accepted
from hufu_registry.sync.model.plan import SECOND_FACTOR
from hufu_registry.sync.use_cases.administration import hold_for_making, request_making, require_administrator
from hufu_registry.sync.use_cases.ports import Work

LONGEST_IGNORED = timedelta(days=366)


def accept_drift(key: OutboxKey, field: str, services: Services[Work], actor: Actor) -> None:
    """The registry takes over what stands in the target; the other targets follow.

    Raises NotFound("drift"), IllegalMove("drift_not_acceptable") for what is none of an official's data,
    Invalid(fields) for a value that no account can have, IllegalMove("account_state") for a deleted one.
    """
    with services.begin(actor) as work:
        require_administrator(work, actor)
        drift = work.administration.drift(key, field)
        if not drift.acceptable:
            raise IllegalMove("drift_not_acceptable", field=field)
        account = work.accounts.get(AccountId(UUID(key.object_id)), lock=True)
        # Somebody may have taken it over while we waited, or a comparison found something else there.
        drift = work.administration.drift(key, field)
        if account.state is AccountState.DELETED:
            raise IllegalMove("account_state", state=account.state.value, move="change")
        profile = accepted(account.profile, field, drift.there)
        _check_change(account.profile, profile)
        if profile.official_mail != account.profile.official_mail:
            check_official_mail(work, work.agencies.get(account.agency_id), profile, account.id)
        changed = account.with_profile(profile, now=work.now)
        work.accounts.save(changed)
        work.administration.accept(key, field)
        old, new = differences(account.profile.audited(), profile.audited())
        work.audit.record(
            "drift.accepted",
            object_kind="account",
            object_id=str(account.id),
            agency_id=account.agency_id,
            old=old,
            new=new | {"from": key.target.value},
        )
        enqueue_account(work, services, changed)


def overwrite_drift(key: OutboxKey, field: str, services: Services[Work], actor: Actor) -> None:
    """What the registry says is written there; what is missing is made again, and for a missing one-time password its
    person is mailed another link.

    Raises NotFound("drift"), IllegalMove("drift_not_ours") for an object that the registry does not know,
    what `limit_link_mails` raises.
    """
    with services.begin(actor) as work:
        if field == MISSING:
            hold_for_making(work, key)
        require_administrator(work, actor)
        work.administration.drift(key, field)
        if field == STRAY:
            raise IllegalMove("drift_not_ours")
        if field == MISSING:
            request_making(work, services, key)
            # Decided: listed no more, whatever the worker finds.
            work.administration.accept(key, field)
        elif field == SECOND_FACTOR:
            # Only its person can set one up.
            otp_is_missing(work, services, AccountId(UUID(key.object_id)), again=True)
        else:
            work.administration.forget_written(key, field)
            work.outbox.enqueue(key)
        _record(work, "drift.overwritten", key, field)


def ignore_drift(key: OutboxKey, field: str, until: date, services: Services[Work], actor: Actor) -> None:
    """It is not listed until that day begins, at most a year from now.

    Raises NotFound("drift"), Invalid(until="in_the_past" or "more_than_a_year").
    """
    moment = taipei_midnight(until)
    with services.begin(actor) as work:
        require_administrator(work, actor)
        work.administration.drift(key, field)
        if moment <= work.now:
            raise Invalid(fields={"until": "in_the_past"})
        if moment > work.now + LONGEST_IGNORED:
            raise Invalid(fields={"until": "more_than_a_year"})
        work.administration.ignore(key, field, moment)
        _record(work, "drift.ignored", key, field, until=until.isoformat())


def list_drift_again(key: OutboxKey, field: str, services: Services[Work], actor: Actor) -> None:
    """It is ignored no longer. Raises NotFound("drift")."""
    with services.begin(actor) as work:
        require_administrator(work, actor)
        ignored_until = work.administration.drift(key, field).ignored_until
        if ignored_until is not None and ignored_until > work.now:
            work.administration.ignore(key, field, None)
            _record(work, "drift.listed_again", key, field)


def _check_change(before: Profile, after: Profile) -> None:
    """What is wrong elsewhere stands in nobody's way. Raises Invalid(fields)."""
    faults = {
        field: fault for field, fault in after.faults().items() if getattr(after, field) != getattr(before, field)
    }
    if faults:
        raise Invalid(fields=faults, longest=longest_texts(Profile)[next(iter(faults))])


def _record(work: Work, action: str, key: OutboxKey, field: str, **more: object) -> None:
    """Names of fields only: the values are about people, and stand sealed with the drift."""
    work.audit.record(
        action,
        object_kind=key.kind.value,
        object_id=key.object_id,
        new={"target": key.target.value, "field": field} | more,
    )
