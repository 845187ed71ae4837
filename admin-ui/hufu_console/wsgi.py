"""For gunicorn: `gunicorn "hufu_console.wsgi:create()"`."""

from __future__ import annotations

from flask import Flask

from hufu_console.app import create_app
from hufu_console.bootstrap import build_services
from hufu_console.settings import Settings
from hufu_console.web import logs


def create() -> Flask:
    logs.configure()
    settings = Settings()
    return create_app(settings, build_services(settings))
