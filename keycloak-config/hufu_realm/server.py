"""The one door to Keycloak's Admin API; the only file that imports python-keycloak.

Of python-keycloak it uses the connection (tokens, refresh): its calls for flows, user profile and texts
would each need a wrapper of their own, while the Admin API is one shape: a path and a representation.
"""

import json
from typing import Any
from urllib.parse import quote

from keycloak import KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakError

from hufu_realm.model import Json, Secret

# Making the keys of a new realm takes long on a busy machine.
TIMEOUT_SECONDS = 90


class ServerError(Exception):
    """Keycloak cannot be reached or refused; the message says what was asked and how it answered."""


class NotThereError(ServerError):
    """Keycloak answered 404."""


class Server:
    """Reads and writes below one realm's address; counts the writes."""

    def __init__(self, url: str, admin: str, password: Secret, realm: str) -> None:
        self.realm = realm
        self.writes = 0
        self._connection = KeycloakOpenIDConnection(
            server_url=url.rstrip("/") + "/",
            username=admin,
            password=password.value,
            realm_name=realm,
            user_realm_name="master",
            timeout=TIMEOUT_SECONDS,
            max_retries=0,  # it would repeat POSTs, too
        )

    def get(self, path: str, **query: str) -> Any:
        """What lies at a path below the realm."""
        return self._answer("GET", self._connection.raw_get, self._at(path), **query)

    def get_or_none(self, path: str, **query: str) -> Any:
        try:
            return self.get(path, **query)
        except NotThereError:
            return None

    def post(self, path: str, body: Any) -> Any:
        return self._write("POST", self._connection.raw_post, self._at(path), body)

    def put(self, path: str, body: Any) -> Any:
        return self._write("PUT", self._connection.raw_put, self._at(path), body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self._write("DELETE", self._connection.raw_delete, self._at(path), body)

    def create_realm(self, body: Any) -> None:
        self._write("POST", self._connection.raw_post, "admin/realms", body)

    def _at(self, path: str) -> str:
        return f"admin/realms/{quote(self.realm, safe='')}{path}"

    def _write(self, verb: str, call: Any, address: str, body: Any) -> Any:
        self.writes += 1
        data = None if body is None else json.dumps(reveal(body), ensure_ascii=False).encode()
        return self._answer(verb, call, address, data=data)

    def _answer(self, verb: str, call: Any, address: str, **arguments: Any) -> Any:
        try:
            response = call(address, **arguments)
        except KeycloakError as problem:
            raise ServerError(f"{verb} {address}: {problem}") from problem
        if response.status_code == 404:
            raise NotThereError(f"{verb} {address}: 404")
        if response.status_code >= 400:
            raise ServerError(f"{verb} {address}: {response.status_code} {response.text[:300]}")
        if not response.content:
            return None
        return response.json()


def segment(text: str) -> str:
    """A name as one piece of a path."""
    return quote(text, safe="")


def reveal(value: Json) -> Any:
    """The value with its secrets in clear, for the wire only."""
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, dict):
        return {key: reveal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [reveal(inner) for inner in value]
    return value
