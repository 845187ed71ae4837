"""Mail by SMTP, asked of a server of one's own that says what it is told to say."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from hufu_registry.notices.model import Attachment, Mail
from hufu_registry.sync.model import Code
from hufu_sync.errors import Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.targets.mail import MailSettings, SmtpPost


class Receiver:
    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.answers: dict[str, str] = {}
        self.seconds = 0.0

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        if "RCPT" not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_MAIL(self, _s: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.answers.get("DATA", "250 OK")


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def post(receiver: Receiver) -> Iterator[SmtpPost]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(receiver, hostname="127.0.0.1", port=port)
    controller.start()
    yield SmtpPost(MailSettings("127.0.0.1", port, "hufu@agency.test", call_seconds=3))
    controller.stop()


MAIL = Mail("wang@home.test", "信箱驗證碼 012345", "您好：\n𠮷\n", '<p lang="zh-Hant">您好：𠮷</p>\n')


def send(post: SmtpPost) -> None:
    post.send(MAIL, message_id="n1")


def test_a_mail_arrives_as_it_was_written(post: SmtpPost, receiver: Receiver) -> None:
    post.probe()
    send(post)
    (mail,) = receiver.messages
    assert (mail["To"], mail["Subject"]) == ("wang@home.test", "信箱驗證碼 012345")
    assert mail["Message-ID"] == "<n1@agency.test>"
    assert mail["To"].addresses[0].addr_spec == "wang@home.test"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().splitlines() == ["您好：", "𠮷"]
    assert mail.get_body(("html",)).get_content() == MAIL.html


def test_attachments_come_with_their_name_and_kind(post: SmtpPost, receiver: Receiver) -> None:
    calendar = Attachment("booking.ics", "text/calendar", "BEGIN:VCALENDAR\nSUMMARY:會議室\n".encode())
    sheet = Attachment("清冊.xlsx", "application/octet-stream", bytes(range(256)))
    post.send(replace(MAIL, attachments=(calendar, sheet)), message_id="n1")
    (mail,) = receiver.messages
    assert mail.get_content_type() == "multipart/mixed"
    assert mail.get_body(("plain",)).get_content().splitlines() == ["您好：", "𠮷"]
    assert mail.get_body(("html",)).get_content() == MAIL.html
    got = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in mail.iter_attachments()
    ]
    assert got == [(one.filename, one.media_type, one.content) for one in (calendar, sheet)]


@pytest.mark.parametrize("broken", ["\n", "\r", "\r\n", "\nBcc: all@home.test\n\n"])
def test_a_line_break_makes_no_header(post: SmtpPost, receiver: Receiver, broken: str) -> None:
    for mail in (
        replace(MAIL, recipient=f"wang@home.test{broken}"),
        replace(MAIL, subject=f"code{broken}"),
        replace(MAIL, recipient=f"wang{broken}@home.test"),
    ):
        with pytest.raises(Refused) as caught:
            post.send(mail, message_id="n1")
        assert caught.value.code is Code.MAIL_ADDRESS_REFUSED
    assert receiver.messages == []


@pytest.mark.parametrize(
    ("where", "answer", "error", "code"),
    [
        ("RCPT", "550 no such mailbox", Refused, Code.MAIL_ADDRESS_REFUSED),
        ("RCPT", "451 later", Transient, Code.MAIL_LATER),
        ("MAIL", "553 not from you", Misconfigured, Code.MAIL_REFUSED_US),
        ("DATA", "452 full", Transient, Code.MAIL_LATER),
        ("DATA", "554 not this", Refused, Code.MAIL_ADDRESS_REFUSED),
    ],
)
def test_what_the_server_says_decides_what_the_worker_does(
    post: SmtpPost, receiver: Receiver, where: str, answer: str, error: type[TargetError], code: Code
) -> None:
    receiver.answers[where] = answer
    with pytest.raises(error) as caught:
        send(post)
    assert caught.value.code is code


def test_a_server_that_is_just_quick_enough_each_time_does_not_hold_us_up(post: SmtpPost, receiver: Receiver) -> None:
    receiver.seconds = 0.8
    hasty = SmtpPost(replace(post._settings, call_seconds=1, mail_seconds=2.0))
    with pytest.raises(Unreachable):
        send(hasty)


def test_nobody_at_home_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        SmtpPost(MailSettings("127.0.0.1", 9, "hufu@agency.test", call_seconds=1)).probe()
