"""One use case, one transaction: what every use case is given."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import Ids
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Outbox
from hufu_registry.kernel.policy import Policy


class Work(Protocol):
    """An open transaction. It commits when its `with` block ends well, and rolls back when it raises.

    `now` is one moment for the whole transaction. Features add their tables as further properties, each in
    the Work protocol of its own use cases.
    """

    @property
    def now(self) -> datetime: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def outbox(self) -> Outbox: ...


W_co = TypeVar("W_co", bound=Work, covariant=True)


class Services(Protocol[W_co]):
    """What a process hands to its use cases; built once, in the process's bootstrap."""

    @property
    def ids(self) -> Ids: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def policy(self) -> Policy: ...

    def begin(self, actor: Actor) -> AbstractContextManager[W_co]: ...
