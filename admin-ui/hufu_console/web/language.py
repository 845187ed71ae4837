"""Which language a page speaks: asked for in the address, remembered in a cookie, the browser's, else Chinese."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, request, url_for
from flask_babel import Babel

from hufu_console.web import drafts, isolation
from hufu_console.web.cookies import remember_choice
from hufu_console.web.doors import Door, door_url
from hufu_registry.bootstrap import notice_templates

COOKIE = "hufu_language"
DEFAULT = "zh_Hant_TW"
# The locale of the catalog, which the registry's notices know too; its code for HTML, Keycloak's, those that browsers
# ask for, its own name.
LANGUAGES = {
    "zh_Hant_TW": {"code": "zh-Hant-TW", "keycloak": "zh-TW", "accepts": "zh-Hant-TW zh-TW zh", "word": "中文"},
    "en": {"code": "en", "keycloak": "en", "accepts": "en", "word": "English"},
}


def language() -> str:
    if "language" not in g:
        asked = request.args.get("language") or request.cookies.get(COOKIE)
        g.language = asked if asked in LANGUAGES else spoken()
    return str(g.language)


def spoken() -> str:
    """What the browser says its user reads, if we speak it."""
    understood = {spoken: locale for locale, words in LANGUAGES.items() for spoken in words["accepts"].split()}
    return understood.get(request.accept_languages.best_match(understood) or "", DEFAULT)


def notice_title(name: str) -> str:
    """What a notice is called in this page's language."""
    return notice_templates().title(name, language())


def keycloak_language() -> str:
    return LANGUAGES[language()]["keycloak"]


def other_language() -> dict[str, str]:
    """The other language: its code, its name, and this page in it."""
    other = next(locale for locale in LANGUAGES if locale != language())
    if request.endpoint and request.method == "GET" and not request.headers.get("HX-Request"):
        # What the query names is text: as arguments of url_for, `_method` or `endpoint` would mean something.
        path = url_for(request.endpoint, **(request.view_args or {}))
        return LANGUAGES[other] | {"url": f"{path}?{urlencode(request.args.to_dict() | {'language': other})}"}
    if request.method == "POST":
        page = drafts.answered_page()
        return LANGUAGES[other] | {"url": f"{page}{'&' if '?' in page else '?'}{urlencode({'language': other})}"}
    return LANGUAGES[other] | {"url": door_url(Door.FIRST_PAGE, language=other)}


def remember(response: Response) -> Response:
    if request.args.get("language") in LANGUAGES:
        remember_choice(response, COOKIE, request.args["language"])
    response.headers["Content-Language"] = LANGUAGES[language()]["code"]
    return response


def page_values() -> dict[str, Any]:
    answered = drafts.answered_page() if request.method == "POST" else None
    return {
        "answered_page": answered,
        "page_language": LANGUAGES[language()]["code"],
        "other_language": other_language(),
    }


def set_up(app: Flask) -> None:
    babel = Babel(app, default_locale=DEFAULT, default_timezone="Asia/Taipei", locale_selector=language)
    isolation.set_up(app, babel)
    app.after_request(remember)
    app.context_processor(page_values)
