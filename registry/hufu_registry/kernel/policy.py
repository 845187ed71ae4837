"""The numbers an agency may want otherwise; every one is a setting with the default of the law or the manuals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations and limits. `with_directory` is false where Keycloak keeps local users.

    The guard holds a change set that takes something from more than `guard_most` accounts, or from more than
    `guard_agency_more_than` and more than `guard_agency_percent` of one agency's. A deleted account stays disabled
    in the targets for `deletion_wait` before it is removed there.
    """

    with_directory: bool = True
    code_lifetime: timedelta = timedelta(minutes=10)
    code_tries: int = 5
    code_resend_after: timedelta = timedelta(seconds=60)
    codes_per_mailbox_per_day: int = 10
    tries_per_mailbox_per_day: int = 20
    mailbox_proof_lifetime: timedelta = timedelta(hours=2)
    freed_name_rest: timedelta = timedelta(days=365)
    activation_link_lifetime: timedelta = timedelta(days=7)
    activation_deadline: timedelta = timedelta(days=30)
    activation_mail_resend_after: timedelta = timedelta(seconds=60)
    activation_mails_per_day: int = 10
    session_idle: timedelta = timedelta(minutes=15)
    session_max: timedelta = timedelta(hours=10)
    draft_lifetime: timedelta = timedelta(hours=24)
    import_close_limit_percent: int = 5
    deletion_wait: timedelta = timedelta(days=30)
    guard_most: int = 100
    guard_agency_more_than: int = 5
    guard_agency_percent: int = 20
    destructive_steps_per_hour: int = 300
    official_mail_domains: tuple[str, ...] = ("gov.tw", "edu.tw", "mil.tw")
