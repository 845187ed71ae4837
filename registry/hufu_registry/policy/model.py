"""A setting's value: who gave it, for whom, and from when on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hufu_registry.kernel.ids import AgencyId


@dataclass(frozen=True, slots=True)
class SettingValue:
    """`value` is the setting's text; none gives the word back to what stands above: the agency above, else everybody's
    value, else the environment's. Without an agency it is everybody's.
    """

    key: str
    agency_id: AgencyId | None
    value: str | None
    valid_from: datetime
    changed_by: UUID | None
    changed_at: datetime
