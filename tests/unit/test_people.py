"""Mailbox codes: bound, few tries, short life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hufu_registry.kernel.errors import Invalid
from hufu_registry.people.model import MAILBOX, CodeOutcome, MailboxCode, PeoplePolicy, Purpose

NOW = datetime(2026, 11, 21, 15, 59, tzinfo=UTC)
POLICY = PeoplePolicy()


def make_code() -> MailboxCode:
    return MailboxCode(
        id=UUID(int=1),
        browser_key="b",
        purpose=Purpose.APPLY,
        mailbox_key="m",
        mailbox_sealed="s",
        code_key="right",
        sent_at=NOW,
        expires_at=NOW + POLICY.code_lifetime,
    )


def test_the_right_code_is_good_once() -> None:
    used, outcome = make_code().entered("right", now=NOW, policy=POLICY)
    assert outcome is CodeOutcome.RIGHT
    assert used.entered("right", now=NOW, policy=POLICY)[1] is CodeOutcome.EXPIRED


def test_after_five_wrong_tries_even_the_right_code_is_refused() -> None:
    code, outcomes = make_code(), []
    for _ in range(5):
        code, outcome = code.entered("wrong", now=NOW, policy=POLICY)
        outcomes.append(outcome)
    assert outcomes == [CodeOutcome.WRONG] * 4 + [CodeOutcome.USED_UP]
    assert code.entered("right", now=NOW, policy=POLICY)[1] is CodeOutcome.USED_UP


def test_a_code_ends_at_its_tenth_minute_also_across_midnight() -> None:
    almost = NOW + timedelta(minutes=10) - timedelta(microseconds=1)
    assert make_code().entered("right", now=almost, policy=POLICY)[1] is CodeOutcome.RIGHT
    assert make_code().entered("right", now=NOW + timedelta(minutes=10), policy=POLICY)[1] is CodeOutcome.EXPIRED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wang",
        "wang@",
        "@example.org",
        "a b@example.org",
        "wang@example",
        "wang@exa\nmple.org",
        "x" * 65 + "@a.tw",
        "try..this@example.org",
        ".try@example.org",
        "try.@example.org",
        "try@-a.tw",
        "try@a-.tw",
        "try@192.0.2.1",
        "try@a..tw",
        "try@.tw",
        "try@a.tw.",
        '"try this"@a.tw',
        "try@a.123",
        "王@a.tw",
    ],
)
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"mailbox: (mailbox_shape|required)"):
        MAILBOX.checked(text, "mailbox")


def test_mailboxes_are_compared_without_case() -> None:
    assert MAILBOX.checked(" Wang.XM@Example.ORG ", "mailbox") == "wang.xm@example.org"
