"""PostgreSQL for agencies: tables, the repository of the use cases, and the read models of pages."""

from hufu_registry.agencies.store.queries import (
    AgencyHit,
    Former,
    TreeRow,
    children,
    count_below,
    former_names,
    places,
    search,
    tree_path,
    unit_names,
)
from hufu_registry.agencies.store.repository import SqlAgencies
from hufu_registry.agencies.store.tables import (
    PathText,
    agencies,
    agency_names,
    at_or_below,
    below,
    subtree_of,
    to_agency,
)

__all__ = [
    "AgencyHit",
    "Former",
    "PathText",
    "SqlAgencies",
    "TreeRow",
    "agencies",
    "agency_names",
    "at_or_below",
    "below",
    "children",
    "count_below",
    "former_names",
    "places",
    "search",
    "subtree_of",
    "to_agency",
    "tree_path",
    "unit_names",
]
