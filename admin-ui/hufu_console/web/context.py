"""What the composition root built, within reach of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request

from hufu_console.settings import Settings
from hufu_console.sign_in.server import SignInServer
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import Actor, account_actor, applicant_actor

EXTENSION = "hufu"


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
