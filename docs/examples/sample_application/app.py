"""A small application that signs people in with Hufu: the integrator's example.

It needs Flask, Authlib and requests, and these variables: SAMPLE_ISSUER, SAMPLE_CLIENT_ID,
SAMPLE_CLIENT_SECRET_FILE, SAMPLE_SESSION_KEY_FILE and SAMPLE_URL (its own address).
"""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, abort, redirect, render_template, request, session, url_for
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.wrappers import Response

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def create_app() -> Flask:
    """Build the application from its environment."""
    app = Flask(__name__)
    home = os.environ["SAMPLE_URL"]
    app.config.update(
        SECRET_KEY=Path(os.environ["SAMPLE_SESSION_KEY_FILE"]).read_text().strip(),
        SESSION_COOKIE_NAME="sample_session",  # cookies of all ports of a host share one space
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=home.startswith("https:"),
    )
    # Tokens stay on the server: a cookie is too small for them. Use a shared store in production.
    signed_in: dict[str, dict[str, Any]] = {}

    oauth = OAuth(app)
    hufu = oauth.register(
        "hufu",
        client_id=os.environ["SAMPLE_CLIENT_ID"],
        client_secret=Path(os.environ["SAMPLE_CLIENT_SECRET_FILE"]).read_text().strip(),
        server_metadata_url=f"{os.environ['SAMPLE_ISSUER']}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
    )

    @app.get("/")
    def index() -> str:
        return render_template("index.html", person=signed_in.get(session.get("key", "")))

    @app.get("/sign-in")
    def sign_in() -> Response:
        # Authlib makes and later checks state, nonce and the PKCE verifier.
        return hufu.authorize_redirect(f"{home}/callback")  # type: ignore[no-any-return]

    @app.get("/callback")
    def callback() -> Response | tuple[str, int]:
        try:
            token = hufu.authorize_access_token()  # checks signature, issuer, audience, nonce and times
        except OAuthError as error:
            return render_template("error.html", error=error), 400
        session.clear()
        session["key"] = secrets.token_urlsafe(32)
        signed_in[session["key"]] = {
            "id_token": token["id_token"],
            "claims": dict(token["userinfo"]),
            "userinfo": dict(hufu.userinfo(token=token)),
        }
        return redirect(url_for("index"))

    @app.post("/sign-out")
    def sign_out() -> Response:
        """Sign out here and everywhere: the sign-in server tells the other applications."""
        person = signed_in.pop(session.pop("key", ""), None)
        if person is None:
            return redirect(url_for("index"))
        query = {"id_token_hint": person["id_token"], "post_logout_redirect_uri": f"{home}/"}
        end = hufu.load_server_metadata()["end_session_endpoint"]
        return redirect(f"{end}?{urlencode(query)}")

    @app.post("/backchannel-logout")
    def backchannel_logout() -> tuple[str, int]:
        """End the session that the sign-in server says is over (OpenID Connect Back-Channel Logout)."""
        metadata = hufu.load_server_metadata()
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": metadata["issuer"]},
            aud={"essential": True, "value": hufu.client_id},
        )
        try:
            # Fetched anew, because keys are rotated.
            keys = KeySet.import_key_set(hufu.fetch_jwk_set(force=True))
            claims = jwt.decode(request.form["logout_token"], keys, algorithms=["RS256"]).claims
            rules.validate(claims)
        except (JoseError, ValueError):
            abort(400)
        if LOGOUT_EVENT not in claims.get("events", {}) or "nonce" in claims:
            abort(400)
        for key, person in list(signed_in.items()):
            of_session = person["claims"].get("sid") == claims.get("sid")
            of_person = "sid" not in claims and person["claims"]["sub"] == claims.get("sub")
            if of_session or of_person:
                del signed_in[key]
        return "", 200

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    return app
