"""What 機關 bring."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.agencies.lists import FOUND
from hufu_console.agencies.routes import ROUTES
from hufu_console.agencies.words import agency_in_use, unit_in_use
from hufu_console.web.feature import ConsoleFeature, MenuEntry, MenuGroup

SENTENCES = {
    "agency_in_use": agency_in_use,
    "agency": _l("There is no such agency, or it is not yours to see."),
    "agency_required": _l("Please choose an agency."),
    "agency_unknown": _l("There is no such agency. Please search for it by name."),
    "agency_not_a_home": _l("Nobody can have an account there. Please choose the agency where you work."),
    "agency_closed": _l("This agency is closed."),
    "agency_below_unit": _l("An agency cannot stand below a unit."),
    "units_stand_below_agencies": _l("A unit stands below an agency, a school or another unit."),
    "move_would_be_circle": _l("An agency cannot stand below itself. Please choose one that is not below it."),
    "unit_in_use": unit_in_use,
    "oid_malformed": _l("This is not an OID under 2.16.886.101 or 2.16.886.111, as in 2.16.886.101.20003.20001."),
    "oid_taken": _l("Another agency or unit has this OID."),
    "unit_exists": _l("There is one of this name already. Please choose another name."),
    "in_the_future": _l("This day lies ahead. Please enter the change on that day, or choose today."),
    "before_beginning": _l("This day lies before the agency began."),
    "mail_domain_shape": _l("“%(domain)s” is no mail domain. Please enter them like example.gov.tw, one a line."),
    "mail_domain_anybodys": _l("Anybody may have a name below “%(domain)s”. Please enter domains of agencies only."),
    "mail_domains_many": _l("At most %(most)s domains."),
    "domain_malformed": _l("Please enter mail domains like example.gov.tw, one a line."),
    "account_required": _l("Please pick who becomes manager."),
    "not_its_manager": _l("This person does not manage the agency any more."),
    "manager_of_another_agency": _l("This account belongs to an agency that is neither this one nor above it."),
    "already_appointed": _l("This person is a manager of the agency already, with the same scope."),
    "agency_merged": _l("This agency went up in another and cannot be opened again."),
    "merge_into_itself": _l("An agency cannot go up in itself or in one below it. Please choose another."),
    "units_have_no_managers": _l("A unit has no manager of its own; appoint one at its agency."),
}

EVENTS = {
    "agency.unit_added": _l("Added by hand"),
    "agency.renamed": _l("Renamed"),
    "agency.moved": _l("Moved"),
    "agency.closed": _l("Closed"),
    "agency.reopened": _l("Reopened"),
    "agency.merged": _l("Merged into a successor"),
    "agency.mail_domains_set": _l("Mail domains set"),
    "agency.short_names_set": _l("Short names set"),
    "agency.history_linked": _l("Former names linked"),
    "grant.given": _l("A right was given"),
    "grant.ended": _l("A right ended"),
}

EVENT_TAGS = {"agency.closed": "off", "agency.merged": "off", "agency.reopened": "good", "agency.unit_added": "good"}

ROLES = {"agency_manager": _l("Agency manager"), "system_manager": _l("System manager")}

# Rights have no pages of their own: managers are an agency's.
DEPENDENTS = {
    "children": _l("open agencies or units below it"),
    "grants": _l("managers"),
}

FEATURE = ConsoleFeature(
    "agencies",
    ROUTES,
    searched=(FOUND,),
    menu=(MenuEntry(_l("Agencies and units"), "agencies.tree", MenuGroup.ORGANISATION, 10),),
    sentences=SENTENCES,
    labels={"event": EVENTS, "event_tag": EVENT_TAGS, "dependent": DEPENDENTS, "role": ROLES},
)
