"""What an act that may take something from many has to say for itself, so that it can be judged, kept and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from hufu_registry.guard.model import Change
from hufu_registry.guard.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import Ids
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Policy
from hufu_registry.kernel.work import Services


class Command(Protocol):
    """A frozen value. All its methods join a transaction that already runs, `lock` first."""

    kind: ClassVar[str]

    def cause(self, work: Work) -> str:
        """The name that goes with the kind: of the agency, of the file."""

    def lock(self, work: Work) -> None:
        """Hold whatever the judgement looks at, so that it is still true when the command runs."""

    def changes(self, work: Work) -> Sequence[Change]:
        """What would be taken from whom."""

    def run(self, work: Work, services: Services[Work], actor: Actor) -> object:
        """Do it, audited; the actor's permission is asked for every agency it touches."""

    def values(self) -> Mapping[str, Any]:
        """As JSON. Versions are left out: a stored command is run afresh, on what is there then."""

    def files(self) -> bytes | None: ...


@dataclass(frozen=True)
class Joined:
    """Services whose transaction is the one that already runs: use cases within a use case."""

    services: Services[Work]
    work: Work

    @property
    def ids(self) -> Ids:
        return self.services.ids

    @property
    def keys(self) -> Keys:
        return self.services.keys

    @property
    def policy(self) -> Policy:
        return self.services.policy

    @contextmanager
    def begin(self, actor: Actor) -> Iterator[Work]:  # noqa: ARG002 - the transaction's own actor stays
        yield self.work
