"""Where somebody is led whose mailbox is not (or no longer) proved."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, request, session, url_for

from hufu_console.web import drafts
from hufu_console.web.sentences import sentence
from hufu_registry.kernel.errors import HufuError


def to_mailbox(error: HufuError) -> Response:
    """Do that first, then come back to what was typed."""
    journey = "public.follow" if request.path.startswith("/follow") else "public.apply"
    journey = "public.activation" if request.path.startswith("/activation") else journey
    goal = drafts.keep_typed() if request.method == "POST" else request.full_path.rstrip("?")
    if goal not in (None, url_for("home.home")):
        session[f"goal {journey}"] = goal
    flash(sentence(error), "waiting")
    return make_response(redirect(url_for(journey), 303))
