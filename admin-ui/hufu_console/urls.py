"""Every address of the console, what answers it, who may ask, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_limiter import Limiter

from hufu_console.frame import limits
from hufu_console.gallery import views as gallery_views
from hufu_console.home import views as home
from hufu_console.public import views as public
from hufu_console.sign_in import views as sign_in


@dataclass(frozen=True, slots=True)
class Route:
    """`public` pages need no sign-in; `limit` is per address."""

    rule: str
    endpoint: str
    view: Callable[..., Any]
    methods: tuple[str, ...] = ("GET",)
    public: bool = False
    limit: str | None = None


FORM = ("GET", "POST")
POST = ("POST",)


def routes(*, gallery: bool) -> Sequence[Route]:
    found = [
        Route("/", "home.home", home.home, public=True),
        Route("/healthz", "home.healthz", home.healthz, public=True),
        Route("/terms", "public.terms", public.terms, public=True),
        Route("/apply", "public.start", public.start, public=True),
        Route("/activation", "public.activation_help", public.activation_help, public=True),
        Route("/sign-in", "sign_in.start", sign_in.start, public=True, limit=limits.TRIES),
        Route("/sign-in/callback", "sign_in.callback", sign_in.callback, public=True, limit=limits.TRIES),
        Route("/sign-out", "sign_in.sign_out", sign_in.sign_out, POST, public=True),
        Route(
            "/sign-in/backchannel-logout", "sign_in.backchannel_logout", sign_in.backchannel_logout, POST, public=True
        ),
    ]
    if gallery:
        found.append(Route("/__parts", "gallery.gallery", gallery_views.gallery, public=True))
    return found


def register(app: Flask, found: Sequence[Route], limiter: Limiter) -> None:
    for route in found:
        view = limiter.limit(route.limit, methods=["POST"] if "POST" in route.methods else None)(route.view) if route.limit else limiter.exempt(route.view)
        app.add_url_rule(route.rule, route.endpoint, view, methods=list(route.methods))
