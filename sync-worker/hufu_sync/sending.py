"""Notices: rendered when they are sent, and wiped then. Those that may be joined go in one mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.notices.model import Notice
from hufu_registry.notices.rendering import NoticeTemplates, Unrenderable
from hufu_registry.sync.model import Claimed, Code
from hufu_sync.converge.row import Lease
from hufu_sync.errors import Misconfigured, Refused, TargetError, Unreachable
from hufu_sync.outcomes import LeaseLostError, NotReachedError, Outcome
from hufu_sync.targets.port import Post

# What was taken out of its turn for a mail that failed waits so long, unless that mail goes sooner and takes it along.
PUT_OFF = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A row in hand with what it sends: None where that was sent before."""

    row: Claimed
    generation: int
    notice: Notice | None


@dataclass(frozen=True, slots=True)
class NoticeSender:
    services: SqlServices
    templates: NoticeTemplates
    post: Post
    console_url: str
    lease_length: timedelta

    def converge(self, claimed: Sequence[Claimed]) -> Mapping[OutboxKey, Exception | None]:
        """Send each notice once; why those failed that did."""
        lease = Lease(self.services, claimed, self.lease_length)
        outcomes: dict[OutboxKey, Outcome] = {row.key: NotReachedError() for row in claimed}
        left = list(claimed)
        while left:
            row = left[0]
            held = self._take(row, left[1:]) if lease.holds(row.key) else []
            came = {row.key: LeaseLostError(), **self._send(held)}
            outcomes |= {key: outcome for key, outcome in came.items() if key in outcomes}
            left = [waiting for waiting in left if waiting.key not in came]
            self._put_off(
                [letter for letter in held if letter.row.key not in outcomes and came[letter.row.key] is not None]
            )
            if isinstance(outcomes[row.key], (Unreachable, Misconfigured)):
                break
        return outcomes

    def _take(self, row: Claimed, left: Sequence[Claimed]) -> list[Held]:
        """What goes in one mail, this row first; nothing where it is not ours any more."""
        with self.services.begin(SYSTEM) as work:
            notice = work.notices.get(UUID(row.key.object_id))
            notices_by_row: dict[Claimed, Notice | None] = {row: notice}
            if notice is not None and notice.joins and self.templates.fits(notice):
                notices_by_row |= dict(self._others(work, row, left))
            generations = work.queue.generations(list(notices_by_row))
            if row.key not in generations:
                return []
            held = [
                Held(claimed, generations[claimed.key], notices_by_row[claimed])
                for claimed in notices_by_row
                if claimed.key in generations
            ]
            for letter in held:
                if letter.notice is not None:
                    work.notices.begin(letter.notice.id)
        return held

    def _others(self, work: SqlWork, row: Claimed, left: Sequence[Claimed]) -> Iterator[tuple[Claimed, Notice]]:
        """Those that may be joined with it: in hand already, or taken out of their turn."""
        ours = {claimed.key: claimed for claimed in left}
        for notice in work.notices.waiting_with(UUID(row.key.object_id)):
            if self.templates.fits(notice):
                key = OutboxKey(row.key.target, row.key.kind, str(notice.id))
                other = ours.get(key) or work.queue.claim_key(key, row.lease, self.lease_length)
                if other is not None:
                    yield other, notice

    def _send(self, held: Sequence[Held]) -> dict[OutboxKey, Outcome]:
        """What came of each. After a crash in between it may come twice, and its count says so."""
        notices = [letter.notice for letter in held if letter.notice is not None]
        try:
            if notices:
                mail = self.templates.render(notices, console_url=self.console_url)
                self.post.send(mail, message_id=str(notices[0].id))
        except TargetError as error:
            return {letter.row.key: error for letter in held}
        except Unrenderable as error:
            return {letter.row.key: Refused(Code.NOTICE_UNRENDERABLE, str(error)) for letter in held}
        with self.services.begin(SYSTEM) as work:
            finished = work.queue.finish({letter.row: letter.generation for letter in held})
            for key in sorted(finished):
                work.notices.mark_sent(UUID(key.object_id))
        return {letter.row.key: None if letter.row.key in finished else LeaseLostError() for letter in held}

    def _put_off(self, held: Sequence[Held]) -> None:
        if held:
            with self.services.begin(SYSTEM) as work:
                for letter in sorted(held, key=lambda letter: letter.row.key):
                    work.queue.let_wait(letter.row, work.now + PUT_OFF)
