"""What the people and their mailboxes bring."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.kernel.feature import Feature, TimedTask
from hufu_registry.people.model import PeoplePolicy
from hufu_registry.people.notices import NOTICES
from hufu_registry.people.store import SqlMailboxes, SqlPeople
from hufu_registry.people.use_cases import forget_old_codes

FEATURE = Feature(
    "people",
    policy=PeoplePolicy,
    tasks=(TimedTask("codes", timedelta(minutes=10), forget_old_codes),),
    notices=NOTICES,
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def people(self) -> SqlPeople:
        return SqlPeople(self.connection, self.now)

    @cached_property
    def mailboxes(self) -> SqlMailboxes:
        return SqlMailboxes(self.connection)
