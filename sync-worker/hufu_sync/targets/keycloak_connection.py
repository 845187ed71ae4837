"""Requests to Keycloak's Admin API. The only file that knows python-keycloak; its errors end here.

python-keycloak keeps the token and the connection; its convenience methods page, list children and repeat POSTs, so
requests are ours.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import quote

import requests
from keycloak import KeycloakOpenID, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakConnectionError, KeycloakError

from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import NAME
from hufu_sync.errors import Conflict, Interrupted, Misconfigured, Refused, TargetError, Transient, Unreachable

AWAY = frozenset({502, 503, 504})
MISSING = 404
DUPLICATE = 409
# What it says where it did not decide to fail, with 500, and sometimes with 400.
BROKEN_OFF = "unknown_error"
LONGEST_WORD = 60
NOT_OURS = frozenset({"", "LDAP_ID", "LDAP_ENTRY_DN"})

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeycloakSettings:
    """`with_directory` is false where Keycloak keeps the users itself."""

    url: str
    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    with_directory: bool
    activation_client: str
    activation_redirect: str
    activation_seconds: int
    call_seconds: int = 8


class MissingError(Transient):
    """It is not there, though it was a moment ago; what is needed is made again at the next try."""


class UnexplainedError(Refused):
    """It names nothing, or what only Keycloak itself writes."""


class KeycloakConnection:
    """One long-lived connection; not for use by several threads at once. Paths are the realm's: "users/ID"."""

    def __init__(self, settings: KeycloakSettings) -> None:
        self.settings = settings
        self._base = f"admin/realms/{quote(settings.realm, safe='')}"
        self._connection: KeycloakOpenIDConnection | None = None

    def get(self, path: str, **query: object) -> Any:
        return _checked(self.call("GET", path, **query)).json()

    def find(self, path: str, **query: object) -> Any | None:
        """What is there, or None."""
        try:
            return self.get(path, **query)
        except MissingError:
            return None

    def put(self, path: str, body: object, taken: Code | None = None, **query: object) -> None:
        """Conflict(taken), here and below, where something of the name is there already."""
        _checked(self.call("PUT", path, body, **query), taken)

    def post(self, path: str, body: object, taken: Code | None = None) -> None:
        _checked(self.call("POST", path, body), taken)

    def create(self, path: str, body: object, taken: Code) -> str:
        """The id of what was made."""
        return str(_checked(self.call("POST", path, body), taken).headers["Location"].rpartition("/")[2])

    def delete(self, path: str) -> None:
        """What is not there is well deleted."""
        with suppress(MissingError):
            _checked(self.call("DELETE", path))

    def close(self) -> None:
        if self._connection is not None:
            self._connection = None
            # It refers to itself and holds megabytes of TLS; Python's collector counts objects, and leaves it for long.
            gc.collect()

    def call(self, method: str, path: str, body: object = None, **query: object) -> requests.Response:
        """The answer, also where it says no; for what needs more than the verbs above."""
        had_connection = self._connection is not None
        try:
            return self.call_once(method, path, body, query)
        except Unreachable as error:
            # A connection kept for long may have been closed by the other side: reading again is harmless.
            if method != "GET" or not had_connection or error.code is Code.KEYCLOAK_TIMEOUT:
                raise
            return self.call_once(method, path, body, query)

    def call_once(self, method: str, path: str, body: object, query: Mapping[str, object]) -> requests.Response:
        """Every request goes through here."""
        url = f"{self._base}/{path}"
        parameters = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
        try:
            connection = self._open()
            if method == "GET":
                response = connection.raw_get(url, **parameters)
            elif method == "DELETE":
                response = connection.raw_delete(url, **parameters)
            else:
                send = connection.raw_post if method == "POST" else connection.raw_put
                response = send(url, data=json.dumps(body), **parameters)
        except (KeycloakError, requests.RequestException, ValueError) as error:
            self.close()
            _raise(error)
        if response.status_code in AWAY:
            raise Unreachable(Code.KEYCLOAK_UNREACHABLE, str(response.status_code))
        if response.status_code == 401:
            # The token of a server that forgot us; the next call asks for a new one.
            self.close()
            raise Unreachable(Code.KEYCLOAK_UNREACHABLE, "401")
        assert isinstance(response, requests.Response)  # noqa: S101 - tells mypy what python-keycloak returns
        return response

    def _open(self) -> KeycloakOpenIDConnection:
        if self._connection is None:
            settings = self.settings
            self._connection = _Connection(
                server_url=settings.url,
                realm_name=settings.realm,
                client_id=settings.client_id,
                client_secret_key=settings.client_secret,
                grant_type="client_credentials",
                timeout=settings.call_seconds,
                max_retries=0,
            )
        return self._connection


def _checked(response: requests.Response, taken: Code | None = None) -> requests.Response:
    if response.status_code < 400:
        return response
    raise refusal_of(response, taken)


def refusal_of(response: requests.Response, taken: Code | None = None) -> TargetError:
    """What its "no" means for the worker; `taken` what it means that the name is somebody else's."""
    status = response.status_code
    if status == DUPLICATE and taken is not None:
        return Conflict(taken, "409")
    if status == MISSING:
        return MissingError(Code.KEYCLOAK_ERROR, "404")
    if status == 403:
        return Misconfigured(Code.KEYCLOAK_NO_RIGHTS, "403")
    reason, refused = _reason(response), _fields(response)
    if reason == BROKEN_OFF:
        return Interrupted(Code.KEYCLOAK_ERROR, f"{status} {reason}")
    if status >= 500 or status in {408, 429}:
        return Transient(Code.KEYCLOAK_ERROR, str(status))
    kind = UnexplainedError if reason in NOT_OURS else Refused
    return kind(Code.KEYCLOAK_REFUSED, f"{status} {reason}".strip(), fields=refused)


class _Connection(KeycloakOpenIDConnection):
    """The token is asked for once, too: a time-out must not be waited for twice."""

    @property
    def keycloak_openid(self) -> KeycloakOpenID:
        if self._keycloak_openid is None:
            self._keycloak_openid = KeycloakOpenID(
                server_url=self.server_url or "",
                client_id=self.client_id or "",
                realm_name=self.realm_name or "",
                client_secret_key=self.client_secret_key,
                timeout=self.timeout,
                max_retries=0,
            )
        return self._keycloak_openid


def _raise(error: Exception) -> NoReturn:
    detail = type(error).__name__
    if isinstance(error, KeycloakAuthenticationError):
        raise Misconfigured(Code.KEYCLOAK_CLIENT_REFUSED, detail) from error
    status = getattr(error, "response_code", None)
    if isinstance(error, KeycloakError) and status is not None and 400 <= status < 500:
        raise Misconfigured(Code.KEYCLOAK_CLIENT_REFUSED, str(status)) from error
    cause = error.__cause__ or error.__context__
    if isinstance(error, requests.Timeout) or isinstance(cause, requests.Timeout):
        raise Unreachable(Code.KEYCLOAK_TIMEOUT, detail) from error
    if isinstance(error, (KeycloakConnectionError, KeycloakError, requests.RequestException)):
        raise Unreachable(Code.KEYCLOAK_UNREACHABLE, detail) from error
    raise Transient(Code.KEYCLOAK_ERROR, detail) from error


def _reason(response: requests.Response) -> str:
    """Keycloak's word for a refusal, never its sentence: that may name a person."""
    refused = _fields(response)
    return ", ".join(refused) if refused else str(_body(response).get("error") or "")[:LONGEST_WORD]


def _fields(response: requests.Response) -> Sequence[str]:
    """Whose values it does not take: one says so by itself, several in a list."""
    body = _body(response)
    several = body.get("errors")
    faults = several if isinstance(several, list) else [body]
    named = (str(fault.get("field") or "")[:LONGEST_WORD] for fault in faults if isinstance(fault, dict))
    return sorted({NAME if name == "username" else name for name in named if name})


def _body(response: requests.Response) -> Json:
    with suppress(ValueError):
        body = response.json()
        if isinstance(body, dict):
            return body
    return {}
