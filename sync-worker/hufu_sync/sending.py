"""Notices: rendered when they are sent, and wiped then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.notices.rendering import NoticeTemplates, Unrenderable
from hufu_registry.sync.model import Claimed, Code
from hufu_sync.desired_state import LeaseLostError, NotReachedError
from hufu_sync.errors import Misconfigured, Refused, TargetError, Unreachable
from hufu_sync.row import Lease
from hufu_sync.targets.port import Post


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
        outcomes: dict[OutboxKey, Exception | None] = {row.key: NotReachedError() for row in claimed}
        for row in claimed:
            outcomes[row.key] = failure = self._outcome(row) if lease.holds(row.key) else LeaseLostError()
            if isinstance(failure, (Unreachable, Misconfigured)):
                break
        return outcomes

    def _outcome(self, claimed: Claimed) -> Exception | None:
        try:
            self._send(claimed)
        except (LeaseLostError, TargetError) as error:
            return error
        except Unrenderable as error:
            return Refused(Code.NOTICE_UNRENDERABLE, str(error))
        return None

    def _send(self, claimed: Claimed) -> None:
        """After a crash in between it may come twice, and its count says so."""
        notice_id = UUID(claimed.key.object_id)
        with self.services.begin(SYSTEM) as work:
            generation = work.queue.generations([claimed]).get(claimed.key)
            if generation is None:
                raise LeaseLostError
            notice = work.notices.get(notice_id)
            if notice is not None:
                work.notices.begin(notice_id)
        if notice is not None:
            mail = self.templates.render([notice], console_url=self.console_url)
            self.post.send(mail, message_id=str(notice_id))
        with self.services.begin(SYSTEM) as work:
            work.notices.mark_sent(notice_id)
            if not work.queue.finish({claimed: generation}):
                raise LeaseLostError
