"""What 帳號 and 我的帳號 bring."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.accounts import queries
from hufu_console.accounts.lists import PEOPLE, client_name, role_words
from hufu_console.accounts.profile import PROFILE_FIELDS
from hufu_console.accounts.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature, HomeBlock, MenuEntry, MenuGroup
from hufu_console.web.moments import moment

SENTENCES = {
    "account": _l("There is no such account, or it is not yours to see."),
    "account_state": _l("The account's state does not allow this any more."),
    "account_name_shape": _l("An account name has 5 to 15 letters and digits and starts with a letter."),
    "account_name_reserved": _l("This account name is kept for the system. Please choose another."),
    "account_name_taken": _l("Somebody uses this account name already. Please choose another."),
    "official_mail_domain": _l(
        "An official mailbox lies under the domains that are set for the agency, or for the nearest agency above it "
        "that has some."
    ),
    "official_mail_none": _l(
        "No domains of official mailboxes are set for this agency or one above it. A system manager can set them."
    ),
    "official_mail_taken": _l("Another account has verified this official mailbox as its own."),
    "official_mail_changed": _l(
        "The official mailbox was changed after the code was sent. Please have a new one sent."
    ),
    "mailbox_not_refused": _l("The sign-in server takes the account's mailbox, so it stays as it is."),
    "unit_elsewhere": _l("This unit belongs to another agency. Please choose the agency again."),
    "already_activated": _l("The account is activated already. Please sign in."),
    "activation_mail_wait": lambda context: ngettext(
        "An activation mail was sent just now. Please wait %(num)s second before asking for another.",
        "An activation mail was sent just now. Please wait %(num)s seconds before asking for another.",
        context.get("seconds", 1),
    ),
    "activation_mails_used_up": lambda context: _(
        "Too many activation mails were asked for. You can have another one sent after %(at)s.",
        at=moment(context["at"]),
    ),
    "otp_mail_wait": lambda context: ngettext(
        "A link for a new one-time password was sent just now. Please wait %(num)s second before asking for another.",
        "A link for a new one-time password was sent just now. Please wait %(num)s seconds before asking for another.",
        context.get("seconds", 1),
    ),
    "otp_mails_used_up": lambda context: _(
        "Too many links for a new one-time password were asked for. You can have another one sent after %(at)s.",
        at=moment(context["at"]),
    ),
    "last_manager": _l(
        "It belongs to the last manager there, or to the last system manager. Please appoint another one first. If an "
        "agency's account is misused, suspend it: that goes at once."
    ),
    "wider_rights": _l(
        "Its owner has rights that you do not have, so you cannot act on the account. Please ask somebody who has "
        "them. If it is misused, suspend it: that you can do at once."
    ),
}

STATES = {
    "not_activated": _l("Not activated"),
    "enabled": _l("Enabled"),
    "disabled": _l("Disabled"),
    "deleted": _l("Deleted"),
}
STATE_TAGS = {"not_activated": "waiting", "enabled": "good", "disabled": "refused", "deleted": "off"}

DISABLE_CAUSES = {
    "security": _l("For security"),
    "not_activated_in_time": _l("Not activated in time"),
}

EVENTS = {
    "account.opened": _l("Opened"),
    "account.activation_resent": _l("Activation mail sent again"),
    "account.activated": _l("Activated by its owner"),
    "account.changed": _l("Data changed"),
    "account.mailbox_corrected": _l("Backup mailbox corrected"),
    "account.official_mail_proved": _l("Official mailbox verified by its owner"),
    "account.transferred": _l("Transferred to another agency"),
    "account.disabled": _l("Disabled"),
    "account.suspended": _l("Suspended in an emergency"),
    "account.restored": _l("Restored"),
    "account.remade": _l("Created anew in Active Directory"),
    "account.deleted": _l("Deleted"),
    "account.unlocked": _l("Unlocked"),
    "account.otp_missing": _l("Found without a one-time password; its owner was mailed a link"),
    "account.otp_reset": _l("A new one-time password was asked for; its owner was mailed a link"),
    "account.password_change_required": _l("A new password was required"),
}
EVENT_TAGS = {
    "account.opened": "good",
    "account.activated": "good",
    "account.restored": "good",
    "account.disabled": "off",
    "account.suspended": "refused",
    "account.deleted": "off",
}

FEATURE = ConsoleFeature(
    "accounts",
    ROUTES,
    menu=(
        MenuEntry(_l("Personal official accounts"), "accounts.people", MenuGroup.ACCOUNTS, 10),
        MenuEntry(_l("My account"), "accounts.mine", MenuGroup.OWN, 10),
    ),
    searched=(PEOPLE,),
    home=(HomeBlock("accounts/_home.html", 90, queries.own_home),),
    sentences=SENTENCES | {code: said for field in PROFILE_FIELDS.values() for code, said in field.faults.items()},
    labels={
        "account_state": STATES,
        "account_state_tag": STATE_TAGS,
        "disable_cause": DISABLE_CAUSES,
        "event": EVENTS,
        "event_tag": EVENT_TAGS,
        "dependent": {"accounts": _l("accounts")},
    },
    template_values={"client_name": client_name, "profile_fields": PROFILE_FIELDS, "role_words": role_words},
    bell={
        "account": lambda account_id: url_for("accounts.account", account_id=account_id),
        "my_account": lambda _object_id: url_for("accounts.mine"),
    },
)
