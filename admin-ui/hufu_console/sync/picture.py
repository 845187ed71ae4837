"""The queue of a target over the last day, as a picture and as a table of the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hufu_registry.kernel.clock import TAIPEI
from hufu_registry.sync.model import QueueSample

SLOT = timedelta(minutes=30)
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Slot:
    """Half an hour: what waited, was tried again and needed a person at its fullest minute, and how many were done.

    `known` is false where nothing was recorded: the relay stood still.
    """

    begins: datetime
    waiting: int = 0
    retrying: int = 0
    parked: int = 0
    done: int = 0
    known: bool = False

    @property
    def unfinished(self) -> int:
        return self.waiting + self.retrying + self.parked

    def with_sample(self, sample: QueueSample) -> Slot:
        other = Slot(self.begins, sample.waiting, sample.retrying, sample.parked)
        fuller = max(self, other, key=lambda slot: slot.unfinished)
        return replace(fuller, done=self.done + sample.done, known=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """48 slots, oldest first."""

    slots: Sequence[Slot]

    @property
    def highest(self) -> int:
        return max(slot.unfinished for slot in self.slots)

    @property
    def done(self) -> int:
        return sum(slot.done for slot in self.slots)


def first_slot(now: datetime) -> datetime:
    """When the first half hour of the picture begins, so that the last one holds `now`."""
    local = now.astimezone(TAIPEI)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0) + SLOT - DAY


def picture_of(samples: Sequence[QueueSample], now: datetime) -> Picture:
    first = first_slot(now)
    slots = [Slot(first + number * SLOT) for number in range(DAY // SLOT)]
    for sample in samples:
        position = (sample.at - first) // SLOT
        if 0 <= position < len(slots):
            slots[position] = slots[position].with_sample(sample)
    return Picture(slots)
