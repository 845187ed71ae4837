"""A console over the tests' own database, and browsers that look at it."""

from __future__ import annotations

import io
import json
import re
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask, Response, redirect, request
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, FileSystemLoader
from openpyxl import load_workbook

from hufu_console.app import create_app
from hufu_console.settings import Settings
from hufu_console.sign_in_server import SignedIn, SignInFailed, SignInServer
from hufu_console.web.context import EXTENSION, Context, Services
from hufu_console.web.viewer import COOKIE
from hufu_registry.accounts.model import Account
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.notices.store import SEALED_AS, notices
from hufu_registry.sessions.use_cases import start_session

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def csrf_token(browser: FlaskClient) -> str:
    token = TOKEN.search(browser.get("/apply").text)
    assert token is not None
    return token[1]


class Browser(FlaskClient):
    """Sends forms with the token that our pages carry."""

    def post(self, *args: Any, **kwargs: Any) -> Any:
        data = dict(kwargs.pop("data", {}))
        if "csrf_token" not in data:
            data["csrf_token"] = csrf_token(self)
        return super().post(*args, data=data, **kwargs)


def console_settings(folder: Path, **changes: Any) -> Settings:
    """As in production but for limits, which tests would run into; the secrets' files are in the folder."""
    for name in ("client", "session"):
        (folder / name).write_text(name * 8)
    values: dict[str, Any] = {
        "console_url": "http://localhost",
        "issuer": "http://localhost/realms/hufu",
        "oidc_client_secret_file": folder / "client",
        "session_key_file": folder / "session",
        "redis_url": "memory://",
        "redis_password_file": None,
        "cookie_secure": False,
        "limits": False,
    }
    return Settings(**(values | changes))


@dataclass
class Willing(SignInServer):
    """A sign-in server that takes whoever it is told to, for answers with this state."""

    account_id: AccountId | None = None
    state: str = ""
    address: str = "http://localhost/realms/hufu"
    asked: list[str | None] = field(default_factory=list)

    def init_app(self, app: Any) -> None:
        pass

    def send(self, callback: str, language: str, *, action: str | None = None) -> Response:
        self.asked.append(action)
        return redirect(self.address, 303)  # type: ignore[return-value]

    def began(self, state: str) -> bool:
        return state == self.state

    def receive(self) -> SignedIn:
        if not self.began(request.args.get("state", "")):
            raise SignInFailed("sign_in_failed")
        assert self.account_id is not None
        return SignedIn(self.account_id, uuid4().hex, "id-token")


BUILT: dict[str, Flask] = {}


def make_console(
    services: SqlServices,
    folder: Path,
    *,
    server: SignInServer | None = None,
    templates: Path | None = None,
    **changes: Any,
) -> Flask:
    """The application as production builds it; it finds these templates, too.

    Addresses, forms and templates are made once a run for the same settings: each console is a copy of that
    application with settings, services and sign-in server of its own. Limits are counted in the application, so one
    that has some is built anew.
    """
    settings = console_settings(folder, **changes)
    given = Services(services, server or SignInServer(settings.issuer_url, "hufu-console", "secret"))
    if settings.limits:
        return build_console(settings, given, templates)
    key = f"{templates} {settings.model_dump_json(exclude={'oidc_client_secret_file', 'session_key_file'})}"
    if key not in BUILT:
        BUILT[key] = build_console(settings, given, templates)
    app = copy(BUILT[key])
    app.extensions = app.extensions | {EXTENSION: Context(settings, given)}
    app.view_functions = dict(app.view_functions)  # a test may break one
    given.sign_in.init_app(app)
    return app


def build_console(settings: Settings, services: Services, templates: Path | None = None) -> Flask:
    app = create_app(settings, services)
    app.testing = True
    app.test_client_class = Browser
    if templates is not None:
        app.jinja_loader = ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(f"{app.root_path}/templates")])
    return app


def signed_in(app: Flask, services: SqlServices, account_id: AccountId, *, language: str = "zh_Hant_TW") -> FlaskClient:
    """A browser in which an account is signed in."""
    token = uuid4().hex
    start_session(token, account_id, f"sid-{token}", "id-token", services, SYSTEM)
    browser = app.test_client()
    browser.set_cookie(COOKIE, token)
    browser.get(f"/privacy?language={language}")
    return browser


def last_code(services: SqlServices) -> str:
    """The code of the newest mail."""
    with services.read() as connection:
        newest = connection.execute(
            sa.select(notices.c.sealed)
            .where(notices.c.template == "mailbox_code")
            .order_by(notices.c.created_at.desc())
            .limit(1)
        ).scalar_one()
    return str(json.loads(services.keys.open(SEALED_AS, newest))["values"]["code"])


def audited(services: SqlServices, action: str) -> list[Any]:
    with services.read() as connection:
        return list(connection.execute(sa.select(audit_records).where(audit_records.c.action == action)))


def account_now(services: SqlServices, account: Account) -> Account:
    with services.begin() as work:
        return work.accounts.get(account.id)


def words_of(page: str) -> str:
    """The page's text, its tags left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def sheet_of(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
