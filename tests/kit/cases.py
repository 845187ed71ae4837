"""Applying and deciding, by the use cases and in browsers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.accounts.model import AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import Case, CaseState
from hufu_registry.cases.types.activation import ACTIVATION, Application
from hufu_registry.cases.use_cases import Approve, FileCase, approve, file_case
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor, applicant_actor
from hufu_registry.kernel.ids import AccountId, CaseId
from hufu_registry.notices.store import SEALED_AS, notices
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from hufu_registry.rights.use_cases import appoint_manager
from tests.kit.accounts import LANGUAGE, an_application, official
from tests.kit.clocks import SetClock
from tests.kit.consoles import signed_in

APPLICANT = applicant_actor("127.0.0.1")


@dataclass
class CaseOffice:
    """A few agencies, their managers, and a way to apply: 院 › 部 › 署 › 隊."""

    services: SqlServices
    agencies: Sequence[Agency]
    clock: SetClock
    count: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        self.top, self.ministry, self.bureau, self.team = self.agencies

    def official(self, agency: Agency, name: str = "林經理", *, enabled: bool = True, **changes: Any) -> AccountId:
        self.count += 1
        values = {"mobile": f"09{self.count:08d}", "title": "科長", "name": name} | changes
        state = AccountState.ENABLED if enabled else AccountState.NOT_ACTIVATED
        return official(self.services, agency, f"official{self.count}", state=state, **values).id

    def manager(self, agency: Agency, name: str = "林經理", *, with_subordinates: bool = False) -> AccountId:
        account_id = self.official(agency, name)
        appoint_manager(account_id, agency.id, self.services, OPERATOR, with_subordinates=with_subordinates)
        return account_id

    def prove(self, browser: str, mailbox: str, purpose: Purpose = Purpose.APPLY) -> None:
        self.clock.advance(seconds=61)
        request_code(RequestCode(browser, purpose, mailbox, LANGUAGE), self.services, APPLICANT)
        enter_code(EnterCode(browser, purpose, self.last_code()), self.services, APPLICANT)

    def last_code(self) -> str:
        for content in reversed(self.mails()):
            if content["template"] == "mailbox_code":
                return str(content["values"]["code"])
        raise AssertionError("no code was mailed")

    def mails(self) -> list[dict[str, Any]]:
        with self.services.read() as connection:
            rows = connection.execute(sa.select(notices).order_by(notices.c.created_at)).all()
        return [
            {"template": row.template, **json.loads(self.services.keys.open(SEALED_AS, row.sealed))} for row in rows
        ]

    def form(self, agency: Agency | None = None, **changes: Any) -> Application:
        self.count += 1
        values = {
            "account_name": f"wangxm{self.count}",
            "agency_id": (agency or self.bureau).id,
            "mobile": f"098{self.count:07d}",
        }
        return an_application(**(values | changes))

    def apply(self, form: Application | None = None, *, mailbox: str | None = None) -> CaseId:
        self.count += 1
        mailbox = mailbox or f"person{self.count}@example.org"
        browser = f"browser of {mailbox}"
        self.prove(browser, mailbox)
        return self.file(browser, form)

    def file(self, browser: str, form: Application | None = None) -> CaseId:
        """From a browser that proved its mailbox."""
        command = FileCase(browser, ACTIVATION.name, form or self.form(), CURRENT.version, uuid4().hex, LANGUAGE)
        return file_case(command, self.services, APPLICANT)

    def case(self, case_id: CaseId) -> Case:
        with self.services.begin(SYSTEM) as work:
            return work.cases.get(case_id)

    def follow(self, mailbox: str) -> str:
        browser = f"later browser of {mailbox}"
        self.prove(browser, mailbox, Purpose.FOLLOW)
        return browser

    def approve(self, manager: AccountId, case_id: CaseId) -> AccountId:
        account_id = approve(Approve(case_id, self.case(case_id).version), self.services, account_actor(manager))
        assert account_id is not None
        return account_id


@dataclass
class Desk(CaseOffice):
    """The same at the console's pages."""

    app: Flask

    def browser(self, account_id: AccountId, language: str = LANGUAGE) -> FlaskClient:
        return signed_in(self.app, self.services, account_id, language=language)

    def apply_at(self, agency: Agency, **changes: Any) -> CaseId:
        values = {"mobile": "0912345678", "wants_official_mail": True} | changes
        return self.apply(self.form(agency, **values))

    def notices(self) -> list[str]:
        """The template of every notice that is to be mailed."""
        return [str(mail["template"]) for mail in self.mails()]

    def state(self, case_id: UUID) -> CaseState:
        return self.case(CaseId(case_id)).state
