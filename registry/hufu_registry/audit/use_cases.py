"""The record every other use case writes in its own transaction."""

from __future__ import annotations

from typing import Protocol

from hufu_registry.audit.model import Values
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.work import Work as KernelWork


class Audit(Protocol):
    def record(
        self,
        action: str,
        *,
        object_kind: str,
        object_id: str,
        agency_id: AgencyId | None = None,
        old: Values | None = None,
        new: Values | None = None,
    ) -> None:
        """Write one record, sealed, as the transaction's actor; values must be JSON."""

    def places(self, object_kind: str, object_id: str) -> frozenset[AgencyId]:
        """The agencies at which something happened to an object."""


class Work(KernelWork, Protocol):
    @property
    def audit(self) -> Audit: ...
