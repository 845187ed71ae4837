"""Changing what the features' settings say, while everything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import hufu_registry.rights.use_cases as rights
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date, taipei_midnight
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.policy import Policy, Setting, check_together, compared_with, text_of
from hufu_registry.kernel.work import Services
from hufu_registry.policy.model import SettingValue
from hufu_registry.policy.permissions import CHANGE_SETTINGS
from hufu_registry.rights.use_cases import require_everywhere


class Settings(Protocol):
    @property
    def declared(self) -> Mapping[str, Setting]: ...

    def lock(self, key: str) -> None:
        """Of two who change the same setting at once, one waits."""

    def given_at(self, key: str, agency_id: AgencyId | None, moment: datetime) -> str | None:
        """The value that was given for just these and counts at the moment."""

    def newest_at_once(self, key: str, agency_id: AgencyId | None) -> datetime | None:
        """When the last change that was to count at once was made."""

    def add(self, value: SettingValue) -> None: ...

    def policies_from(self, moment: datetime, keys: Collection[str]) -> Sequence[Policy]:
        """Everybody's policy at the moment, and whenever a value of one of these begins after it."""


class Work(rights.Work, Protocol):
    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """`value` none: what stands above counts again. Without an agency it is everybody's.

    `valid_from` none or today: at once; a later day: from its midnight in Taipei.
    """

    key: str
    value: str | None
    agency_id: AgencyId | None = None
    valid_from: date | None = None


def change_setting(command: ChangeSetting, services: Services[Work], actor: Actor) -> SettingValue:
    """Give a setting a value; it becomes true by time alone, and what was planned for later stays.

    Raises Denied("system_managers_only"), NotFound("setting" or "agency"), Invalid(value="setting_shape",
    "setting_bounds" (minimum, maximum), "setting_less_than" (less, more) or what its check says,
    agency="setting_for_everybody", valid_from="in_the_past").
    """
    with services.begin(actor) as work:
        require_everywhere(work.grants, actor, CHANGE_SETTINGS)
        setting = work.settings.declared.get(command.key)
        if setting is None:
            raise NotFound("setting")
        value = None if command.value is None else text_of(setting.read(command.value))
        if command.agency_id is not None:
            work.agencies.get(command.agency_id)
            if not setting.per_agency:
                raise Invalid(fields={"agency": "setting_for_everybody"})
        together = compared_with(setting.key, work.settings.declared.values())
        for key in sorted(together):
            work.settings.lock(key)
        at_once, moment = _moment(command, work)
        changed = SettingValue(
            key=setting.key,
            agency_id=command.agency_id,
            value=value,
            valid_from=moment,
            changed_by=actor.account_id,
            changed_at=moment if at_once else work.now,
        )
        old = work.settings.given_at(setting.key, command.agency_id, moment)
        work.settings.add(changed)
        if len(together) > 1:
            for policy in work.settings.policies_from(moment, together):
                check_together(policy, work.settings.declared.values())
        work.audit.record(
            "setting.changed",
            object_kind="setting",
            object_id=setting.key,
            agency_id=command.agency_id,
            old={"value": old},
            new={"value": value, "valid_from": moment.isoformat()},
        )
    return changed


def _moment(command: ChangeSetting, work: Work) -> tuple[bool, datetime]:
    """Whether it counts at once, and from when on."""
    day, today = command.valid_from, taipei_date(work.now)
    if day is not None and day < today:
        raise Invalid(fields={"valid_from": "in_the_past"})
    if day is not None and day > today:
        return False, taipei_midnight(day)
    # Who waited for the other began before him and is heard after him: his is the last word all the same.
    newest = work.settings.newest_at_once(command.key, command.agency_id)
    return True, work.now if newest is None else max(newest, work.now)
