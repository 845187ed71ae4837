"""What a feature brings to the house: it says so itself, in its `feature.py`; nobody else lists features."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.policy import Policy, Setting, declared_in


@dataclass(frozen=True, slots=True)
class TimedTask:
    """`run` is one round, given the process's services and who acts; it may be repeated, and may end anywhere."""

    name: str
    every: timedelta
    run: Callable[[Any, Actor], object]


@dataclass(frozen=True, slots=True)
class AttachmentType:
    """Rendered from `<language>.<filename>` beside the notice's other templates."""

    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Bell:
    """How a notice stands in the bell of the account it is sent to. `page` is the kind of page that it leads to, which
    the console's features know (`bell=`); `object_id` and `mark` name those of its values that say of which object, and
    what it is called there: a case's number, an agency, nothing about people.
    """

    page: str
    object_id: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class NoticeType:
    """A mail of a feature. `package` has a folder of the notice's name, with `<language>.txt` and `<language>.html`.

    `sample` names every value its templates may use, with an example of each. With `digest_wait` it waits so long for
    others to the same mailbox, an hour at most, and all that wait then go in one mail. With a `bell` it is also new at
    the console for the account it is sent to.
    """

    name: str
    package: str
    sample: Mapping[str, object]
    attachments: tuple[AttachmentType, ...] = ()
    digest_wait: timedelta | None = None
    bell: Bell | None = None


@dataclass(frozen=True, slots=True)
class Dependent:
    """What of a feature hangs on agencies, under `name`. Each function is given the open transaction.

    `held_by` says which of these agencies have some of it. `hand_over`, also given the services, makes an agency's its
    successor's, or ends it, and says how many that were. `unit_renamed` follows a unit's new name and says which outbox
    rows are wanted for it.
    """

    name: str
    held_by: Callable[[Any, Collection[AgencyId]], Collection[AgencyId]]
    hand_over: Callable[[Any, Any, Any, Any], int]
    unit_renamed: Callable[[Any, AgencyId, str], Collection[OutboxKey]] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """`name` is the folder's. `tasks` are what the scheduler does for it. `notices` are the mails it sends.

    `events` are what its audit records may say was done, "object.verb" each ("case.approved"); no other is written.
    `policy` is its part of the policy, with the settings it declares. `commands` are its acts that may take something
    from many accounts (`hufu_registry.guard.use_cases.Command`).
    `case_types` are its types of cases, if what an approval does lives here
    (`hufu_registry.cases.engine.use_cases.ports.CaseType`).
    """

    name: str
    tasks: tuple[TimedTask, ...] = ()
    notices: tuple[NoticeType, ...] = ()
    commands: tuple[Any, ...] = ()
    dependents: tuple[Dependent, ...] = ()
    case_types: tuple[Any, ...] = ()
    permissions: tuple[Permission, ...] = ()
    events: tuple[str, ...] = ()
    policy: type[Policy] = Policy

    @property
    def settings(self) -> tuple[Setting, ...]:
        return declared_in(self.policy)
