"""What the worker needs of any target: one port for all of them, with a contract suite (tests/contract).

A further target (a document system, a second directory) is one more class that keeps these promises, with a schema
(`hufu_registry.sync.model.desired`); plan, guard, converge and comparison know nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hufu_registry.kernel.outbox import Kind
from hufu_registry.notices.model import Mail
from hufu_registry.sync.model import ChangeCursor
from hufu_registry.sync.model.plan import Desired, Observed, Step
from hufu_sync.errors import TargetError


@dataclass(frozen=True, slots=True)
class Asked:
    """Which object is asked for: by its known id, else by its name. Where its making was `in_flight` and never noted,
    an agency has perhaps got another name or place since, and is looked for by its mark as well.
    """

    desired: Desired
    remote_id: str | None
    in_flight: bool = False


# As it stands; None where it is to be made; or why this one cannot be worked on: Conflict where somebody else's
# object has the name, Gone where ours is missing for good, Refused where it is protected.
Found = Observed | TargetError | None


class StateTarget(Protocol):
    """Objects that are brought to what the registry says. Every call raises TargetError and nothing else."""

    def probe(self) -> None:
        """Return when the target answers us as one of its own and lets us write our own probe object.

        Raises Unreachable or Misconfigured.
        """

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        """Our objects as they stand, in the order asked, all of one kind, with few calls.

        What is wrong with one object is in its place; what is wrong with the target is raised.
        """

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        """Do one step. What came of it, and the id of what was made, tells the next `find`.

        A value that is refused keeps no other from being written: Refused is raised when the rest is done.
        """

    def everything(self, kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        """Every object of the kind with our mark, in pages, with these fields; agencies from the top down.

        `place` is the remote id of the agency it stands in, or its address there where that is not ours.
        """

    def close(self) -> None:
        """End the connection; the next call opens another."""


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
    client_name: str = ""
    client_name_en: str = ""


@dataclass(frozen=True, slots=True)
class Locked:
    """Sign-in is locked since then, and until then; None means until somebody unlocks it."""

    since: datetime
    until: datetime | None


class SignInServer(StateTarget, Protocol):
    """Besides its state: the acts that only the sign-in server can do, and what it saw."""

    def send_activation_mail(self, remote_id: str) -> None: ...

    def send_otp_mail(self, remote_id: str) -> None:
        """A link that asks the present password and sets up a new one-time password in place of the old ones."""

    def end_sessions(self, remote_id: str) -> None: ...

    def unlock(self, remote_id: str) -> None:
        """Forget failed sign-ins."""

    def must_change(self, remote_id: str, before: datetime) -> bool:
        """Ask for a new password at the next sign-in, unless it was set after `before`; whether it asked."""

    def reset_credentials(self, remote_id: str, before: datetime) -> bool:
        """Take away password and one-time passwords made before then; whether there were any."""

    def credentials(self, remote_id: str) -> Credentials: ...

    def lock_of(self, remote_id: str) -> Locked | None: ...

    def account_of(self, remote_id: str) -> str | None:
        """The account id a user bears, for one we have not bound yet."""

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        """Oldest first."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a cursor, oldest first, and the cursor after it. `restarted` means that the positions
    are another server's: nothing is known of what happened in between, and everybody has to be compared.

    `outside` bear marks like ours and stand outside our part of the directory, moved there, or another registry's.
    """

    cursor: ChangeCursor
    accounts: Sequence[Observed] = ()
    agencies: Sequence[Observed] = ()
    outside: Sequence[Observed] = ()
    more: bool = False
    restarted: bool = False


class Directory(StateTarget, Protocol):
    """Besides its state: passwords, locks, and its own list of changes."""

    def password_is_set(self, remote_id: str) -> bool:
        """Whether the person has set a password of his own (pwdLastSet is not 0)."""

    def unlock(self, remote_id: str) -> None:
        """Lift a lock-out (lockoutTime)."""

    def must_change(self, remote_id: str, before: datetime) -> bool:
        """Ask for a new password at the next sign-in (pwdLastSet 0), unless it was set after `before`."""

    def reset_credentials(self, remote_id: str, before: datetime) -> bool:
        """A random password that must be changed, unless the password was set after `before`."""

    def only_inherit(self, remote_id: str) -> None:
        """Who may do what with it is what our OU says, and nothing of its own."""

    def lockout_duration(self) -> timedelta | None:
        """How long the domain locks; None for "until somebody unlocks"."""

    def changes(self, cursor: ChangeCursor | None, fields: Collection[str], limit: int) -> Changes:
        """What changed after the cursor; without one, nothing but where the list stands now."""

    def foreign(self, desired: Desired) -> Observed | None:
        """Somebody else's account with the name ours should have: what an adoption would take over.

        Raises Refused for one that is protected.
        """


class Post(Protocol):
    def probe(self) -> None: ...
    def send(self, mail: Mail, *, message_id: str) -> None:
        """The same `message_id` at a repeat lets the receiver's side see that it is the same mail."""
