"""What the composition root built, within reach of a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Flask, current_app, g, has_request_context, request
from sqlalchemy.exc import SQLAlchemyError

from hufu_console.settings import Settings
from hufu_console.sign_in_server import SignInServer
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import Policy, SqlWork
from hufu_registry.kernel.actor import Actor, account_actor, applicant_actor

EXTENSION = "hufu"
ONLY_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Services:
    """What the console is given: the registry's use cases and tables, and the sign-in server."""

    registry: SqlServices
    sign_in: SignInServer


@dataclass(frozen=True, slots=True)
class Context:
    settings: Settings
    services: Services


def context() -> Context:
    return cast("Context", current_app.extensions[EXTENSION])


def settings() -> Settings:
    return context().settings


def registry() -> SqlServices:
    return context().services.registry


def sign_in_server() -> SignInServer:
    return context().services.sign_in


def actor() -> Actor:
    """Who sent this request, and from where."""
    viewer = g.get("viewer")
    if viewer is None:
        return applicant_actor(request.remote_addr)
    return account_actor(viewer.account_id, request.remote_addr)


@contextmanager
def reading() -> Iterator[SqlWork]:
    """The registry, to be read from: all that a GET shows comes from one transaction, begun when it is first needed.

    A request that may write has one for each look, so that it sees what it wrote and holds no two connections.
    """
    if not has_request_context() or request.method not in ONLY_READING:
        with registry().reading() as work:
            yield work
        return
    if "reading" not in g:
        stack = ExitStack()
        g.reading = stack.enter_context(registry().reading())
        g.reading_ends = stack
    try:
        yield g.reading
    except SQLAlchemyError:
        # PostgreSQL answers nothing more in it, and the page that says so is still to be made.
        end_reading()
        raise


def end_reading(_error: BaseException | None = None) -> None:
    """The next look begins anew."""
    g.pop("reading", None)
    if stack := g.pop("reading_ends", None):
        stack.close()


def now() -> datetime:
    """The moment of what the page shows."""
    with reading() as work:
        return work.now


def policy() -> Policy:
    """What is set at that moment."""
    with reading() as work:
        return work.policy


def set_up(app: Flask) -> None:
    app.teardown_appcontext(end_reading)
