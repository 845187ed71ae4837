"""Two agencies of ours that swap names, or that follow each other in one: each waits for a name the other bears."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model.naming import Sibling, folded, stand_in
from hufu_registry.sync.model.plan import Rename
from hufu_sync.converge.row import Lease, Row
from hufu_sync.desired_state import TargetConfig
from hufu_sync.errors import Conflict, TargetError
from hufu_sync.outcomes import NotReadyError
from hufu_sync.targets.port import StateTarget


def make_way(services: SqlServices, config: TargetConfig, port: StateTarget, rows: Sequence[Row], lease: Lease) -> None:
    """A name that another agency of ours still bears is free as soon as that one has its new name. Until then
    this one gives up its own, which may be the very one the other waits for.
    """
    if not config.schema.names_agencies:
        return
    renamed = {row.key.object_id for row in rows if any(isinstance(step, Rename) for step in row.planned.steps)}
    taken = config.schema.taken[Kind.AGENCY]
    for row in rows:
        error = row.outcome
        if row.key.kind is not Kind.AGENCY or not isinstance(error, Conflict) or error.code is not taken:
            continue
        with services.begin(SYSTEM) as work:
            agency = work.agencies.get(AgencyId(int(row.key.object_id)))
            beside = work.agency_tree.siblings([agency.parent_id])
            siblings = {sibling.id: sibling for level in beside for sibling in level}
            leaving = _leaving(work, config.target, siblings, agency, renamed)
        if leaving is None:
            continue
        row.outcome = NotReadyError(leaving, is_known=False)
        observed, aside = row.observed, stand_in(siblings[agency.id])
        if observed is not None and observed.name != aside and lease.holds(row.key):
            # For the other's sake: if it fails, this row waits as it would have anyway.
            with suppress(TargetError):
                port.apply(Rename(observed.name, aside), row.desired, observed)


def _leaving(
    work: SqlWork, target: Target, siblings: Mapping[int, Sibling], agency: Agency, renamed: Collection[str]
) -> OutboxKey | None:
    """One beside the agency that stands there and is to have another name, or has just got it."""
    keys = {
        str(agency_id): OutboxKey(target, Kind.AGENCY, str(agency_id))
        for agency_id in siblings
        if agency_id != agency.id
    }
    bound = work.bindings.several(list(keys.values()))
    under_way = work.queue.under_way(target, Kind.AGENCY, keys)
    # Of namesakes the one with the lowest id has the plain name, so a younger one leaves it though nobody renamed it.
    younger = {
        str(sibling.id)
        for sibling in siblings.values()
        if sibling.id > agency.id and folded(sibling.name) == folded(agency.name)
    }
    leaving = (keys[agency_id] for agency_id in sorted(keys.keys() & (under_way | younger | set(renamed))))
    return next((key for key in leaving if key in bound), None)
