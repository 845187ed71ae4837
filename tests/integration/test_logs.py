"""What the registry and the console log: ids and codes, never what people are called or what they typed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask

from hufu_console.web.logs import PROCESSORS
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.kernel.permissions import Role
from hufu_stack.layout import PROFILES
from tests.kit.accounts import official
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code

TYPED = {
    "account_name": "chenxh",
    "name": "陳小華",
    "title": "專門委員",
    "unit_name": "第七秘書室",
    "phone": "02-87654321",
    "mobile": "0987654321",
    "reason": "留職停薪期滿回任",
}
MAILBOX = "xiaohua@example.org"
WORDS, WHY = "查無此人", "外借他處"
PERSONAL = (*TYPED.values(), MAILBOX, MAILBOX.partition("@")[0], WORDS, WHY)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Every line as it is written, and what libraries say."""
    caplog.set_level(logging.INFO)
    written: list[str] = []

    def keep(_logger: object, _name: str, line: Any) -> str:
        written.append(line)
        raise structlog.DropEvent

    structlog.configure(processors=[*PROCESSORS, keep])
    yield written
    structlog.reset_defaults()


def test_a_whole_story_leaves_nothing_personal_in_the_log(
    app: Flask,
    services: SqlServices,
    chain: Sequence[Agency],
    clock: SetClock,
    lines: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Applying, looking for somebody, deciding; then the same with a registry that answers with an error each time."""
    manager = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    other = official(services, chain[1], "other1")
    stranger, console = app.test_client(), Desk(services, chain, clock, app).browser(manager.id)
    app.testing = False
    clock.advance(seconds=61)
    stranger.post("/apply", data={"mailbox": MAILBOX})
    code = last_code(services)
    stranger.post("/apply/code", data={"code": code})
    review = stranger.post("/apply/form", data={**TYPED, "agency_id": str(chain[2].id)})
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    sent = {"draft": key, "consent": CURRENT.version}
    assert stranger.post("/apply/send", data=sent).status_code == 303
    with services.read() as connection:
        case_id = connection.execute(sa.text("SELECT id FROM cases")).scalar_one()

    def at_work() -> list[int]:
        looked = console.post("/accounts/search", data={"words": WORDS})
        answers = [
            looked,
            console.get(looked.location or "/accounts"),
            console.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": ""}),
            console.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": f"\0{WHY}"}),
            console.post(f"/accounts/{other.id}/disable", data={"reason": WHY}),
            console.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": WHY}),
        ]
        return [answer.status_code for answer in answers]

    assert at_work() == [303, 200, 422, 422, 303, 303]
    with services.engine.begin() as connection:
        # An error about a row tells all that was to stand in it.
        connection.execute(sa.text("UPDATE accounts SET state = 'enabled'"))
        connection.execute(
            sa.text("UPDATE cases SET state = 'pending', version = 1, decision_reason = '', decided_at = NULL")
        )
        connection.execute(sa.text("ALTER TABLE cases ADD CONSTRAINT decided CHECK (decision_reason = '')"))
        connection.execute(sa.text("ALTER TABLE accounts ADD CONSTRAINT stays CHECK (state = 'enabled') NOT VALID"))
    assert at_work()[4:] == [500, 500]

    everything = "\n".join([*lines, caplog.text])
    assert '"event": "fault"' in everything
    assert '"event": "request"' in everything
    assert [text for text in (*PERSONAL, code) if text in everything] == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO taken_names (name_key) VALUES (:value)",
        "SELECT CAST(:value AS integer)",
        "SELECT nothing FROM accounts WHERE name = :value",
    ],
)
def test_an_error_of_the_database_names_no_value(services: SqlServices, statement: str) -> None:
    with services.engine.begin() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
        connection.execute(sa.text(statement), {"value": TYPED["name"]})
    assert TYPED["name"] not in f"{caught.value} {caught.value.orig}"
    # PostgreSQL would tell its own log the row and the value.
    assert TYPED["name"] not in PROFILES["test-registry"].log("postgres").read_text(errors="replace")
