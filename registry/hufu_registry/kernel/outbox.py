"""Work for other systems, as rows of (target, kind, object id), each with a generation and the one applied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Target(StrEnum):
    AD = "ad"
    KEYCLOAK = "keycloak"
    MAIL = "mail"


# Those in which agencies and accounts stand, in the order in which work goes on.
STATE_TARGETS = (Target.AD, Target.KEYCLOAK)


class Kind(StrEnum):
    AGENCY = "agency"
    ACCOUNT = "account"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, order=True)
class OutboxKey:
    target: Target
    kind: Kind
    object_id: str


class Outbox(Protocol):
    """Rows are written when the transaction commits, in key order, so that two transactions cannot deadlock."""

    def enqueue(self, key: OutboxKey, *, bulk: bool = False, not_before: datetime | None = None) -> None:
        """Raise `generation`: the target must be brought to what the registry says after this transaction.

        `bulk` marks work that people's single acts may overtake; `not_before` lies an hour ahead at most.
        """

    def ensure(self, key: OutboxKey) -> None:
        """Want it only if it was never wanted before; an existing row is neither changed nor locked."""
