"""Identifiers. Objects people link to have UUIDs; agencies have short numbers, since paths are made of them."""

from __future__ import annotations

from typing import NewType, Protocol
from uuid import UUID, uuid4

AgencyId = NewType("AgencyId", int)
PersonId = NewType("PersonId", UUID)
AccountId = NewType("AccountId", UUID)
CaseId = NewType("CaseId", UUID)


class Ids(Protocol):
    def new(self) -> UUID: ...


class RandomIds:
    def new(self) -> UUID:
        return uuid4()
