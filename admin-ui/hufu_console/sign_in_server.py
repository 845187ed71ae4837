"""The sign-in server as the console needs it: code flow with PKCE, state and nonce, signing out, logout tokens."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, Response, session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hufu_registry.kernel.errors import HufuError

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_TOKEN_AGE = 300
SECONDS = 10
KEYS_ASKED_EVERY = 60


class SignInAway(HufuError):  # noqa: N818 - the field's words, as in the kernel
    """The sign-in server does not answer."""


class SignInFailed(HufuError):  # noqa: N818
    """The answer of the sign-in server does not hold."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a sign-in says: the account, Keycloak's session, and the token that ends it."""

    account_id: UUID
    session_id: str
    id_token: str


class SignInServer:
    """Authlib's client. It reads the server's addresses and keys when first used, and new keys when one is unknown."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._keys_asked_at = -math.inf
        self._oauth = OAuth()
        self._oauth.register(
            "hufu",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid", "code_challenge_method": "S256", "default_timeout": SECONDS},
        )

    def init_app(self, app: Flask) -> None:
        self._oauth.init_app(app)

    @property
    def _client(self) -> Any:
        return self._oauth.create_client("hufu")

    def send(self, callback: str, language: str, *, action: str | None = None) -> Response:
        """Redirect to the sign-in page, or to what the signed-in person changes there (Keycloak's kc_action)."""
        asked = {"ui_locales": language} | ({} if action is None else {"kc_action": action})
        try:
            answer: Response = self._client.authorize_redirect(callback, **asked)
        except requests.RequestException as error:
            raise SignInAway("sign_in_away") from error
        return answer

    def began(self, state: str) -> bool:
        """Whether this browser began the sign-in that comes back with this state."""
        return self._client.framework.get_state_data(session, state) is not None

    def receive(self) -> SignedIn:
        """Judge the answer in this request: state, PKCE, signature, issuer, audience, nonce, times."""
        try:
            token = self._client.authorize_access_token()
        except requests.RequestException as error:
            raise SignInAway("sign_in_away") from error
        except (OAuthError, JoseError) as error:
            raise SignInFailed("sign_in_failed") from error
        claims = token.get("userinfo") or {}
        try:
            return SignedIn(UUID(str(claims["account_id"])), str(claims["sid"]), str(token["id_token"]))
        except (KeyError, ValueError) as error:
            raise SignInFailed("account_unknown") from error

    def sign_out(self, id_token: str, back: str, language: str) -> Response:
        """Redirect to where the sign-in server ends its own session, and all others with it."""
        try:
            answer: Response = self._client.logout_redirect(
                post_logout_redirect_uri=back, id_token_hint=id_token, client_id=self._client_id, ui_locales=language
            )
        except requests.RequestException as error:
            raise SignInAway("sign_in_away") from error
        return answer

    def ended_session(self, logout_token: str) -> str:
        """The session a back-channel logout token ends. Raises SignInFailed for any token that does not hold.

        A token sent again ends a session that is gone already, so its jti needs no memory.
        """
        try:
            claims = self._claims(logout_token)
        except requests.RequestException as error:
            raise SignInAway("sign_in_away") from error
        except (JoseError, ValueError) as error:
            raise SignInFailed("logout_token") from error
        audience = claims.get("aud")
        audience = audience if isinstance(audience, list) else [audience]
        events = claims.get("events")
        issued = claims.get("iat")
        holds = (
            claims.get("iss") == self._issuer
            and self._client_id in audience
            and isinstance(events, dict)
            and LOGOUT_EVENT in events
            and "nonce" not in claims
            and bool(claims.get("jti"))
            and bool(claims.get("sid"))
            and isinstance(issued, int)
            and abs(time.time() - issued) < LOGOUT_TOKEN_AGE
        )
        if not holds:
            raise SignInFailed("logout_token")
        return str(claims["sid"])

    def _claims(self, logout_token: str) -> dict[str, Any]:
        algorithms = ["RS256", "PS256", "ES256"]
        client = self._client
        try:
            keys = KeySet.import_key_set(client.fetch_jwk_set())
            return dict(jwt.decode(logout_token, keys, algorithms=algorithms).claims)
        except (JoseError, ValueError):
            # Anybody may send a token that does not hold: new keys are looked for once a while, however many come.
            if time.monotonic() < self._keys_asked_at + KEYS_ASKED_EVERY:
                raise
            self._keys_asked_at = time.monotonic()
            keys = KeySet.import_key_set(client.fetch_jwk_set(force=True))
            return dict(jwt.decode(logout_token, keys, algorithms=algorithms).claims)
