"""The rules' codes as sentences: what happened, why, and what to do, without blame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hufu_registry.kernel.errors import HufuError, Invalid

SENTENCES: Mapping[str, Any] = {
    # Mailboxes and codes
    "mailbox_shape": _l("This is not a complete e-mail address. Please enter it like name@example.gov.tw."),
    "mailbox_not_verified": _l("Your mailbox has to be verified first, in this browser."),
    "code_wrong": _l("This is not the code of the newest mail. Please compare the six digits."),
    "code_expired": _l("This code is no longer good. Please have a new one sent."),
    "code_used_up": _l("The code was entered wrongly too often. Please have a new one sent."),
    "code_resend_wait": _l("A code was sent just now. Please wait %(seconds)s seconds before asking for another."),
    "codes_used_up": _l("Too many codes were asked for today. Please try again tomorrow."),
    # Signing in
    "sign_in_away": _l("The sign-in server does not answer. Please try again in a few minutes."),
    "sign_in_failed": _l("Signing in was broken off or took too long. Please start it again."),
    "account_unknown": _l("This sign-in belongs to no account of ours. Please ask the manager of your agency."),
    "account_not_enabled": _l("This account is off. Please ask the manager of your agency."),
    # Fields
    "required": _l("This field must be filled in."),
    "too_long": _l("This text is too long."),
    "account_name_shape": _l("An account name has 5 to 15 letters and digits and starts with a letter."),
    "account_name_reserved": _l("This account name is kept for the system. Please choose another."),
    "account_name_taken": _l("Somebody uses this account name already. Please choose another."),
    "name_required": _l("Please enter your name."),
    "title_required": _l("Please enter your title."),
    "phone_shape": _l("Please enter the telephone number with digits, as in 02-81234567."),
    "extension_shape": _l("An extension has up to eight digits."),
    "mobile_shape": _l("A mobile number has ten digits and starts with 09."),
    "reason_required": _l("Please give a reason."),
    "consent_required": _l("Please read the terms and tick the box if you agree."),
    "agency_required": _l("Please choose an agency."),
    "agency_unknown": _l("There is no such agency. Please search for it by name."),
    "agency_not_a_home": _l("Nobody can have an account there. Please choose the agency where you work."),
    "mail_domain_refused": _l(
        "This agency accepts only mailboxes of its own domains. Please use your official mailbox."
    ),
    "official_mail_domain": _l(
        "An official mailbox lies under the government's domains or those of the agency. "
        "A private address would be published in tokens."
    ),
    "unit_elsewhere": _l("This unit belongs to another agency. Please choose the agency again."),
    "confirmed_required": _l("Please confirm that the data match your documents."),
    # Things and states
    "page": _l("Either the address is wrong, or what stood here is not for you to see."),
    "case": _l("There is no such case, or it is not yours to see."),
    "case_state": _l("This case is decided or withdrawn already."),
    "case_open": _l("An application with this mailbox waits already. There can be one at a time."),
    "own_case": _l("Nobody decides his own case."),
    "draft": _l("What was typed is not kept any more. Please fill in the form again."),
    "no_collision": _l("The account name needs no change."),
    "already_activated": _l("The account is activated already. Please sign in."),
    "activation_mail_wait": _l(
        "An activation mail was sent just now. Please wait %(seconds)s seconds before asking for another."
    ),
    "activation_mails_used_up": _l("Too many activation mails were asked for today. Please try again tomorrow."),
    "agency": _l("There is no such agency, or it is not yours to see."),
    "account": _l("There is no such account, or it is not yours to see."),
    "account_state": _l("The account's state does not allow this any more."),
    "changed_meanwhile": _l("Somebody changed this while you were looking at it. Please look at it again."),
    "right_missing": _l("Your rights do not cover this. If they should, please ask the manager of your agency."),
    "system_managers_only": _l("Only system managers may do this."),
    "agency_closed": _l("This agency is closed."),
    "agency_below_unit": _l("An agency cannot stand below a unit."),
    "units_stand_below_agencies": _l("A unit stands below an agency, a school or another unit."),
    "move_would_be_circle": _l("An agency cannot stand below itself. Please choose one that is not below it."),
    "unit_has_people": _l(
        "This unit has accounts or open cases, and they belong to its present agency. They have to change agency first."
    ),
    "oid_malformed": _l("This is not an OID under 2.16.886.101 or 2.16.886.111, as in 2.16.886.101.20003.20001."),
    "oid_taken": _l("Another agency or unit has this OID."),
    "control_character": _l("There are characters in it that cannot be shown. Please type it anew."),
    "in_the_future": _l("This day lies ahead. Please enter the change on that day, or choose today."),
    "before_beginning": _l("This day lies before the agency began."),
    "domain_malformed": _l("Please enter mail domains like example.gov.tw, one a line."),
    "too_many": _l("There are too many of them."),
    "account_required": _l("Please pick who becomes manager."),
    "manager_of_another_agency": _l("This account belongs to an agency that is neither this one nor above it."),
    "last_manager": _l(
        "It belongs to the last manager there, or to the last system manager. Appoint another one first, or choose "
        "“for security” if it is misused."
    ),
    # AD sync
    "work": _l("Nothing is to be done for it any more."),
    "drift": _l("This difference is gone: it was decided, or it is as it should be again."),
    "drift_not_acceptable": _l("The registry alone decides about this field. Overwrite it there, or ignore it."),
    "drift_not_ours": _l("The registry knows no such account, so it has nothing to write there."),
    "in_the_past": _l("Please choose a day that lies ahead."),
    "more_than_a_year": _l("Please choose a day within a year; by then somebody should look at it again."),
    "run": _l("There is no such run."),
    "plan_not_ready": _l("This plan is not made yet, or is none that can be executed. Please make a new one."),
    "agency_or_account": _l("Please choose an agency or name an account, not both."),
    "account_name_unknown": _l("No account is called that. Please search for it under the accounts."),
    "held_change": _l("There is no such set."),
    "held_change_state": _l("Somebody decided about it already."),
    "held_change_grew": _l(
        "It would touch more accounts by now (%(count)s), so nothing was done and the list is new. Please look at it "
        "again."
    ),
    "own_held_change": _l("You asked for it yourself; another system manager has to release it."),
    "agency_merged": _l("This agency went up in another and cannot be opened again."),
    "merge_into_itself": _l("An agency cannot go up in itself or in one below it. Please choose another."),
    "units_have_no_managers": _l("A unit has no manager of its own; appoint one at its agency."),
}


def sentence_of(code: str, context: Mapping[str, object] | None = None) -> str:
    known = SENTENCES.get(code)
    if known is None:
        return str(_("This is not possible (%(code)s).", code=code))
    text = str(known)
    return text % context if context and "%(" in text else text


def sentence(error: HufuError) -> str:
    if isinstance(error, Invalid) and error.fields:
        return " ".join(sentence_of(code, error.context) for code in error.fields.values())
    return sentence_of(error.code, error.context)
