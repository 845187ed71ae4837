"""One agency goes up in another: its people, parts and open cases become the successor's."""

from __future__ import annotations

from datetime import date

from hufu_registry.agencies.model import HOMES, Agency, FormerName
from hufu_registry.agencies.permissions import EDIT_AGENCIES
from hufu_registry.agencies.use_cases.editing import hang_below, not_in_future, record
from hufu_registry.agencies.use_cases.ports import Work
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.work import Services


def merge(work: Work, services: Services[Work], agency: Agency, successor_id: AgencyId, on: date) -> Agency:
    """Merge the agency, which is held, into its successor; joins the caller's transaction. The successor afterwards.

    Rights rooted in the agency end with it; those rooted in its parts go on with these. Official mailboxes stay:
    that they may be published is asked when one is entered. The former name and OID lead to the successor.

    Raises IllegalMove("merge_into_itself") also for a successor below it, IllegalMove("agency_not_a_home"),
    IllegalMove("agency_closed"), Invalid(on).
    """
    successor = work.agencies.get(successor_id)
    work.require(EDIT_AGENCIES, successor)
    today = taipei_date(work.now)
    not_in_future(on, today, "on")
    if agency.path.covers(successor.path):
        raise IllegalMove("merge_into_itself")
    if not {agency.kind, successor.kind} <= HOMES:
        raise IllegalMove("agency_not_a_home")
    if not (agency.is_open(today) and successor.is_open(today)):
        raise IllegalMove("agency_closed")
    for child in work.agencies.children(agency.id):
        hang_below(work, child, successor, work.agencies.lock_below(child), on)
    handed = work.dependents.hand_over(services, agency, successor)
    work.agencies.set_closed(agency, on, merged_into=successor.id)
    work.agencies.link([FormerName(successor.id, agency.name, agency.oid, on)])
    record(work, "agency.merged", agency, new={"into": successor.id, "on": on.isoformat(), **handed})
    for key in work.agencies.outbox_keys(agency.path.ids):
        # What stands there for the agency's sake alone goes.
        work.outbox.enqueue(key, bulk=True)
    return work.agencies.get(successor.id)
