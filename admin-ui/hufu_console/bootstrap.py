"""The console's composition root: the one place where its parts are built."""

from __future__ import annotations

from hufu_console.settings import Settings
from hufu_console.sign_in_server import SignInServer
from hufu_console.web.context import Services
from hufu_registry.bootstrap import build_services as build_registry
from hufu_registry.settings import RegistrySettings


def build_services(settings: Settings) -> Services:
    return Services(
        registry=build_registry(RegistrySettings()),
        sign_in=SignInServer(settings.issuer_url, settings.oidc_client_id, settings.oidc_client_secret),
    )
