"""Keycloak by its Admin API. The only file that knows python-keycloak; its errors end here.

Users come from the directory (looked up by name, which imports them), or are ours to make where there is none.
Agencies are groups named by their OID. What does not carry our mark is never touched. python-keycloak keeps the
token and the connection; its convenience methods page, list children and repeat POSTs, so requests are ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import quote

import requests
from keycloak import KeycloakOpenID, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakAuthenticationError, KeycloakConnectionError, KeycloakError

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import Create, Desired, Leave, Observed, Place, Rename, SetEnabled, SetFields, Step
from hufu_sync.errors import Conflict, Misconfigured, Refused, Transient, Unreachable
from hufu_sync.targets.port import Credentials, SignInEvent

GROUP_MARK = "hufu_mark"
ACCOUNT_MARK = "account_id"
ACTIVATION = ("UPDATE_PASSWORD", "CONFIGURE_TOTP")
# Fields that are Keycloak's own; all others are attributes.
USER_PROPERTIES = frozenset({"email"})
GROUP_PROPERTIES = frozenset({"description"})
AWAY = frozenset({502, 503, 504})

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


class Keycloak:
    """One long-lived connection; not for use by several threads at once."""

    def __init__(self, settings: KeycloakSettings) -> None:
        self.settings = settings
        self._base = f"admin/realms/{quote(settings.realm, safe='')}"
        self._connection: KeycloakOpenIDConnection | None = None

    def probe(self) -> None:
        self._get("users", max=1, briefRepresentation=True)

    def find(self, desired: Desired, remote_id: str | None) -> Observed | None:
        if desired.kind is Kind.AGENCY:
            return self._find_group(desired, remote_id)
        return self._find_user(desired, remote_id)

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> str:
        if isinstance(step, Create):
            return self._create_group(desired) if desired.kind is Kind.AGENCY else self._create_user(desired)
        if observed is None:
            raise Transient(Code.KEYCLOAK_ERROR, "nothing to change")
        if desired.kind is Kind.AGENCY:
            self._change_group(step, desired, observed.remote_id)
        else:
            self._change_user(step, observed.remote_id)
        return observed.remote_id

    def send_activation_mail(self, remote_id: str) -> None:
        settings = self.settings
        response = self._call(
            "PUT",
            f"users/{remote_id}/execute-actions-email",
            list(ACTIVATION),
            client_id=settings.activation_client,
            redirect_uri=settings.activation_redirect,
            lifespan=settings.activation_seconds,
        )
        if response.status_code >= 500:
            raise Transient(Code.ACTIVATION_MAIL_NOT_SENT, str(response.status_code))
        self._check(response)

    def end_sessions(self, remote_id: str) -> None:
        self._check(self._call("POST", f"users/{remote_id}/logout", {}))

    def credentials(self, remote_id: str) -> Credentials:
        # Who is not there has none.
        found = self._get_if_there(f"users/{remote_id}/credentials") or []
        types = {each["type"] for each in found}
        return Credentials(password="password" in types, otp="otp" in types)

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        moment = int(since.timestamp() * 1000)
        found = self._get("events", dateFrom=moment, direction="asc", first=first, max=limit)
        return [_event(raw) for raw in found]

    def close(self) -> None:
        self._connection = None

    # Users.

    def _find_user(self, desired: Desired, remote_id: str | None) -> Observed | None:
        user = None
        if remote_id is not None:
            user = self._get_if_there(f"users/{remote_id}")
        if user is None:
            user = self._user_by_name(desired.name)
        if user is None:
            if self.settings.with_directory:
                raise Transient(Code.KEYCLOAK_DOES_NOT_SEE)
            return None
        if f"hufu:account:{_attribute(user, ACCOUNT_MARK)}" != desired.mark:
            raise Conflict(Code.NAME_TAKEN_IN_KEYCLOAK)
        groups = self._get(f"users/{user['id']}/groups", briefRepresentation=False)
        return _observed_user(desired, user, [group["id"] for group in groups if _attribute(group, GROUP_MARK)])

    def _user_by_name(self, name: str) -> Json | None:
        found = self._get("users", username=name, exact=True, first=0, max=2, briefRepresentation=False)
        return next((user for user in found if user["username"].lower() == name.lower()), None)

    def _create_user(self, desired: Desired) -> str:
        body = {
            "username": desired.name,
            "enabled": bool(desired.enabled),
            "emailVerified": True,
            "attributes": {name: [value] for name, value in _attributes(desired).items() if value},
        } | {name: desired.fields[name] for name in USER_PROPERTIES if desired.fields.get(name)}
        created = self._created(self._call("POST", "users", body), Code.NAME_TAKEN_IN_KEYCLOAK)
        if desired.place is not None:
            self._join(created, desired.place)
        return created

    def _change_user(self, step: Step, user_id: str) -> None:
        if isinstance(step, SetFields):
            self._set_user_fields(user_id, {name: after for name, _, after in step.changes})
        elif isinstance(step, SetEnabled):
            self._check(self._call("PUT", f"users/{user_id}", {"enabled": step.after}))
        elif isinstance(step, Rename):
            self._check(self._call("PUT", f"users/{user_id}", {"username": step.after}))
        elif isinstance(step, Place):
            if step.after is not None:
                self._join(user_id, step.after)
            if step.before is not None:
                self._check(self._call("DELETE", f"users/{user_id}/groups/{step.before}"), missing_is_fine=True)
        elif isinstance(step, Leave):
            self._check(self._call("DELETE", f"users/{user_id}/groups/{step.place}"), missing_is_fine=True)

    def _set_user_fields(self, user_id: str, values: Mapping[str, str]) -> None:
        body: Json = {name: values[name] for name in USER_PROPERTIES & values.keys()}
        attributes = {name: value for name, value in values.items() if name not in USER_PROPERTIES}
        if attributes:
            # A list of attributes replaces all of them, and e-mail with them, so the others are sent as they are.
            user = self._get(f"users/{user_id}")
            body = {name: user[name] for name in USER_PROPERTIES if user.get(name)} | body
            there = dict(user.get("attributes") or {})
            there |= {name: [value] for name, value in attributes.items() if value}
            body["attributes"] = {name: there[name] for name in there if attributes.get(name) != ""}
        if body.get("email"):
            body["emailVerified"] = True
        self._check(self._call("PUT", f"users/{user_id}", body))

    def _join(self, user_id: str, group_id: str) -> None:
        self._check(self._call("PUT", f"users/{user_id}/groups/{group_id}", {}))

    # Groups.

    def _find_group(self, desired: Desired, remote_id: str | None) -> Observed | None:
        group = None
        if remote_id is not None:
            group = self._get_if_there(f"groups/{remote_id}")
        if group is None:
            group = self._group_by_name(desired)
        if group is None:
            return None
        if _attribute(group, GROUP_MARK) != desired.mark:
            raise Conflict(Code.GROUP_TAKEN)
        return Observed(
            remote_id=group["id"],
            mark=desired.mark,
            name=group["name"],
            place=group.get("parentId"),
            address=group.get("path", ""),
            fields={
                name: (group.get(name) or "") if name in GROUP_PROPERTIES else _attribute(group, name)
                for name in desired.fields
            },
        )

    def _group_by_name(self, desired: Desired) -> Json | None:
        query = {"search": desired.name, "exact": True, "first": 0, "max": 100, "briefRepresentation": False}
        if desired.place is None:
            found = self._get("groups", **query)
        else:
            siblings = self._get_if_there(f"groups/{desired.place}/children", **query)
            if siblings is None:
                raise Transient(Code.KEYCLOAK_ERROR, "the parent group is missing")
            found = siblings
        return next((group for group in found if group["name"] == desired.name), None)

    def _create_group(self, desired: Desired) -> str:
        path = "groups" if desired.place is None else f"groups/{desired.place}/children"
        return self._created(self._call("POST", path, _group_body(desired, desired.name)), Code.GROUP_TAKEN)

    def _change_group(self, step: Step, desired: Desired, group_id: str) -> None:
        if isinstance(step, Place):
            path = "groups" if step.after is None else f"groups/{step.after}/children"
            moved = {"id": group_id, "name": desired.name}
            self._check(self._call("POST", path, moved))
        elif isinstance(step, Rename | SetFields):
            self._check(self._call("PUT", f"groups/{group_id}", _group_body(desired, desired.name)))
        else:
            raise Refused(Code.KEYCLOAK_REFUSED, "a group has no state")

    # Requests.

    def _get(self, path: str, **query: object) -> Any:
        response = self._call("GET", path, **query)
        self._check(response)
        return response.json()

    def _get_if_there(self, path: str, **query: object) -> Any | None:
        response = self._call("GET", path, **query)
        if response.status_code == 404:
            return None
        self._check(response)
        return response.json()

    def _created(self, response: requests.Response, taken: Code) -> str:
        if response.status_code == 409:
            raise Conflict(taken)
        self._check(response)
        return response.headers["Location"].rpartition("/")[2]

    def _call(self, method: str, path: str, body: object = None, **query: object) -> requests.Response:
        had_connection = self._connection is not None
        try:
            return self._call_once(method, path, body, query)
        except Unreachable as error:
            # A connection kept for long may have been closed by the other side: reading again is harmless.
            if method != "GET" or not had_connection or error.code is Code.KEYCLOAK_TIMEOUT:
                raise
            return self._call_once(method, path, body, query)

    def _call_once(self, method: str, path: str, body: object, query: Mapping[str, object]) -> requests.Response:
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

    def _check(self, response: requests.Response, *, missing_is_fine: bool = False) -> None:
        status = response.status_code
        if status < 400 or (missing_is_fine and status == 404):
            return
        if status == 403:
            raise Misconfigured(Code.KEYCLOAK_NO_RIGHTS, "403")
        if status == 404:
            # What was there a moment ago is made again at the next try.
            raise Transient(Code.KEYCLOAK_ERROR, "404")
        if status >= 500 or status in {408, 429}:
            raise Transient(Code.KEYCLOAK_ERROR, str(status))
        raise Refused(Code.KEYCLOAK_REFUSED, f"{status} {_reason(response)}")


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
    with suppress(ValueError):
        found = response.json()
        if isinstance(found, dict):
            return str(found.get("field") or found.get("error") or "")[:60]
    return ""


def _attribute(raw: Json, name: str) -> str:
    values = (raw.get("attributes") or {}).get(name) or [""]
    return str(values[0])


def _attributes(desired: Desired) -> dict[str, str]:
    values = {name: value for name, value in desired.fields.items() if name not in USER_PROPERTIES}
    return values | {ACCOUNT_MARK: desired.mark.rpartition(":")[2]}


def _group_body(desired: Desired, name: str) -> Json:
    attributes = {key: [value] for key, value in desired.fields.items() if key not in GROUP_PROPERTIES}
    properties = {key: desired.fields[key] for key in GROUP_PROPERTIES & desired.fields.keys()}
    return {"name": name, "attributes": attributes | {GROUP_MARK: [desired.mark]}} | properties


def _observed_user(desired: Desired, user: Json, groups: Sequence[str]) -> Observed:
    place = desired.place if desired.place in groups else next(iter(groups), None)
    return Observed(
        remote_id=user["id"],
        mark=desired.mark,
        name=user["username"],
        place=place,
        address=user["username"],
        enabled=bool(user.get("enabled")),
        fields={
            name: (user.get(name) or "") if name in USER_PROPERTIES else _attribute(user, name)
            for name in desired.fields
        },
        surplus=frozenset(groups) - {place or ""},
    )


def _event(raw: Json) -> SignInEvent:
    return SignInEvent(
        id=raw["id"],
        user_id=raw.get("userId") or "",
        type=raw["type"],
        client=raw.get("clientId") or "",
        address=raw.get("ipAddress") or "",
        at=datetime.fromtimestamp(raw["time"] / 1000, UTC),
        error=raw.get("error") or "",
    )
