"""What the worker needs of any target: one port for all of them, with a contract suite (tests/contract)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hufu_sync.plan import Desired, Observed, Step


class StateTarget(Protocol):
    """Objects that are brought to what the registry says. Every call raises TargetError and nothing else."""

    def probe(self) -> None:
        """Return when the target answers us as one of its own."""

    def find(self, desired: Desired, remote_id: str | None) -> Observed | None:
        """Our object as it stands: by its known id, else by its name; None where it is to be made.

        Raises Conflict where somebody else's object has the name, Gone where ours is missing for good.
        """

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> str:
        """Do one step; the remote id of the object."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the person has set up at the sign-in server."""

    password: bool
    otp: bool


@dataclass(frozen=True, slots=True)
class SignInEvent:
    """Something the sign-in server saw; `user_id` is its own id of the user."""

    id: str
    user_id: str
    type: str
    client: str
    address: str
    at: datetime
    error: str


class SignInServer(StateTarget, Protocol):
    """Besides its state: the acts that only the sign-in server can do, and what it saw."""

    def send_activation_mail(self, remote_id: str) -> None: ...
    def end_sessions(self, remote_id: str) -> None: ...
    def credentials(self, remote_id: str) -> Credentials: ...
    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        """Oldest first."""


class Directory(StateTarget, Protocol):
    def password_is_set(self, remote_id: str) -> bool:
        """Whether the person has set a password of his own (pwdLastSet is not 0)."""


class Post(Protocol):
    def probe(self) -> None: ...
    def send(self, *, message_id: str, recipient: str, subject: str, text: str) -> None: ...
