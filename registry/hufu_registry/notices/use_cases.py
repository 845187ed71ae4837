"""Notices are stored with what they tell of, and sent by the worker through the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

import hufu_registry.bell.use_cases as bell
from hufu_registry.kernel.feature import NoticeType
from hufu_registry.kernel.ids import AccountId
from hufu_registry.notices.model import Notice


class Notices(Protocol):
    def send(
        self,
        notice: NoticeType,
        recipient: str,
        language: str,
        values: Mapping[str, str],
        *,
        account_id: AccountId | None = None,
    ) -> UUID:
        """Store the notice with all values its templates may use, and want it sent. To an `account_id` it is new at the
        console, too, if its type has a bell.
        """

    def get(self, notice_id: UUID) -> Notice | None:
        """The notice, or None when it was sent already."""

    def waiting_with(self, notice_id: UUID) -> Sequence[Notice]:
        """The others that may be joined with it in one mail: same mailbox and language, not sent; oldest first."""

    def begin(self, notice_id: UUID) -> None:
        """Count one more try to send it."""

    def mark_sent(self, notice_id: UUID) -> None:
        """Remember the moment and wipe recipient and values."""


class Work(bell.Work, Protocol):
    @property
    def notices(self) -> Notices: ...
