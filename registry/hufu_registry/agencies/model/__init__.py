"""Agencies: their tree, their names, and what an import of the government's list would do to them."""

from hufu_registry.agencies.model.history import HistoryFile, HistoryPlan, plan_history, read_history
from hufu_registry.agencies.model.import_plan import Finding, ImportPlan, ImportReport, plan_import
from hufu_registry.agencies.model.listing import ListedRow, Listing, Rejected, read_codes, read_list
from hufu_registry.agencies.model.naming import NAME, OID, joined_names
from hufu_registry.agencies.model.policy import AgencyPolicy
from hufu_registry.agencies.model.tree import (
    AGENCY_CODE_SHAPE,
    GOVERNMENT_ARC,
    HOMES,
    OID_SHAPE,
    ORGANISATION_ARC,
    ROOT_ARCS,
    Agency,
    AgencyKind,
    FormerName,
    Key,
    Node,
    Path,
    Place,
    agency_id_of,
    derive,
    label,
    place_of,
)

__all__ = [
    "AGENCY_CODE_SHAPE",
    "GOVERNMENT_ARC",
    "HOMES",
    "NAME",
    "OID",
    "OID_SHAPE",
    "ORGANISATION_ARC",
    "ROOT_ARCS",
    "Agency",
    "AgencyKind",
    "AgencyPolicy",
    "Finding",
    "FormerName",
    "HistoryFile",
    "HistoryPlan",
    "ImportPlan",
    "ImportReport",
    "Key",
    "ListedRow",
    "Listing",
    "Node",
    "Path",
    "Place",
    "Rejected",
    "agency_id_of",
    "derive",
    "joined_names",
    "label",
    "place_of",
    "plan_history",
    "plan_import",
    "read_codes",
    "read_history",
    "read_list",
]
