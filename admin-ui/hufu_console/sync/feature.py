"""What AD 同步管理作業 brings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.sync import queries
from hufu_console.sync.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature, HomeBlock, MenuEntry, MenuGroup, Tab, Waiting
from hufu_registry.sync.model import bars_in
from hufu_registry.sync.model.desired import MAILBOX_FIELD
from hufu_registry.sync.model.drift import ACCEPTABLE

SENTENCES = {
    "work": _l("Nothing is to be done for it any more."),
    "drift": _l("This difference is gone: it was decided, or it is as it should be again."),
    "drift_not_acceptable": _l("The registry alone decides about this field. Overwrite it there, or ignore it."),
    "drift_not_ours": _l("The registry knows no such account, so it has nothing to write there."),
    "not_missed": _l("It was not found missing there, so it is not made again. Please have it compared first."),
    "in_the_past": _l("Please choose a day that lies ahead."),
    "more_than_a_year": _l("Please choose a day within a year; by then somebody should look at it again."),
    "run": _l("There is no such run."),
    "plan_not_ready": _l("This plan is not made yet, or is none that can be executed. Please make a new one."),
    "agency_or_account": _l("Please choose an agency or name an account, not both."),
    "account_name_unknown": _l("No account is called that. Please search for it under the accounts."),
}

RUN_CAUSES = {
    "nightly": _l("Every night"),
    "changes": _l("Something changed there"),
    "asked": _l("Requested by hand"),
    "resynchronise": _l("Account synchronisation"),
    "plan": _l("A forecast was requested"),
    "execution": _l("A plan is executed"),
}
TARGETS = {"ad": _l("Active Directory"), "keycloak": _l("Keycloak (sign-in)"), "mail": _l("Mail")}
EVENTS = {
    "agency.sync_requested": _l("Account synchronisation"),
    "account.sync_requested": _l("Account synchronisation"),
    "account.adopted_in_ad": _l("Taken over as ours in Active Directory"),
    "drift.accepted": _l("The value found there was taken over"),
    "drift.overwritten": _l("The registry's value was written there again"),
    "drift.ignored": _l("A difference is ignored for a while"),
    "drift.listed_again": _l("A difference is no longer ignored"),
    "work.retried": _l("Tried again by hand"),
    "work.dropped": _l("Work for a system was dropped"),
    "work.made_again": _l("Created again in a system"),
    "agency.made_in_ad": _l("Created in Active Directory"),
    "agency.changed_in_ad": _l("Changed in Active Directory"),
    "agency.removed_in_ad": _l("Removed from Active Directory"),
    "agency.made_in_keycloak": _l("Created in Keycloak"),
    "agency.changed_in_keycloak": _l("Changed in Keycloak"),
    "agency.removed_in_keycloak": _l("Removed from Keycloak"),
}

# Where what a system did not take of an account is corrected, by its field there.
CORRECTED_AT = dict.fromkeys(ACCEPTABLE, "accounts.edit") | {MAILBOX_FIELD: "accounts.mailbox"}

FEATURE = ConsoleFeature(
    "sync",
    ROUTES,
    home=(HomeBlock("sync/_home.html", 20, queries.health_home),),
    menu=(MenuEntry(_l("AD sync"), "sync.overview", MenuGroup.SYSTEM, 20),),
    tabs=(
        Tab("sync.overview", _l("Overview"), "sync.overview", 10),
        Tab("sync.overview", _l("Work"), "sync.work", 20),
        Tab("sync.overview", _l("Differences"), "sync.drift", 40),
        Tab("sync.overview", _l("Runs and plans"), "sync.runs", 50),
    ),
    waits=(
        Waiting("sync.work", queries.count_parked, "sync.overview", queries.parked_said, {"state": "parked"}),
        Waiting("sync.drift", queries.count_drifts, "sync.overview", queries.drifts_said),
    ),
    sentences=SENTENCES,
    labels={"event": EVENTS, "run_cause": RUN_CAUSES, "target": TARGETS},
    template_values={"bars_in": bars_in, "correctable": CORRECTED_AT},
)
