"""The application factory: a Flask application from settings and services, nothing global."""

from __future__ import annotations

import hmac
from hashlib import sha256

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from hufu_console import urls
from hufu_console.settings import Settings
from hufu_console.web import (
    context,
    converters,
    failures,
    feature,
    following,
    incoming,
    labels,
    language,
    limits,
    logs,
    moments,
    navigation,
    routing,
    security,
    theme,
    viewer,
)
from hufu_console.web.context import EXTENSION, Context, Services

MOST_BYTES = 1_000_000


def create_app(settings: Settings, services: Services) -> Flask:
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.session_key,
        SESSION_COOKIE_NAME="hufu_browser",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.cookie_secure,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_BYTES,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        # Authlib's client and Flask-WTF compare addresses; the console knows its own.
        WTF_CSRF_SSL_STRICT=True,
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    app.extensions[EXTENSION] = Context(settings, services)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["moment"] = moments.moment
    app.jinja_env.filters["exact"] = moments.exact
    app.jinja_env.globals["shown_at"] = moments.shown_at
    app.jinja_env.filters["roc_date"] = moments.roc_date
    app.jinja_env.filters["age"] = moments.age
    app.jinja_env.filters["notice_title"] = language.notice_title
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    context.set_up(app)
    logs.set_up(app)
    incoming.set_up(app)
    language.set_up(app)
    theme.set_up(app)
    failures.set_up(app)
    key = settings.session_key.encode()
    composed = feature.compose(urls.features(gallery=settings.gallery))
    limits.set_up(
        app,
        composed.routes.values(),
        storage_url=settings.limits_url,
        hash_address=lambda address: hmac.new(key, address.encode(), sha256).hexdigest(),
        enabled=settings.limits,
    )
    tokens = CSRFProtect(app)
    converters.set_up(app)
    feature.set_up(app, composed)
    labels.set_up(app)
    following.set_up(app)
    routing.register(app, composed.routes.values(), tokens)
    viewer.set_up(app, composed.routes)
    navigation.set_up(app)
    services.sign_in.init_app(app)
    security.set_up(app, sign_in_server=settings.issuer_origin, https=settings.https)
    return app
