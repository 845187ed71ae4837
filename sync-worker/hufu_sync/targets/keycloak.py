"""Keycloak: users in groups.

Users come from the directory (looked up by name, which imports them), or are ours to make where there is none.
Agencies are groups named by their OID. What does not carry our mark is never touched.

A new account of the directory costs five requests: look up, which imports it; attributes; membership; and the two
that read it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import (
    Adopt,
    Create,
    Delete,
    Desired,
    Leave,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
    in_one,
)
from hufu_sync.errors import Conflict, Interrupted, Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.targets.keycloak_connection import (
    Json,
    KeycloakConnection,
    KeycloakSettings,
    MissingError,
    UnexplainedError,
)
from hufu_sync.targets.port import Asked, Credentials, Found, Locked, SignInEvent

GROUP_MARK = "hufu_mark"
ACCOUNT_MARK = "account_id"
# Keycloak's own attribute of a user from the directory: the objectGUID of his entry.
ENTRY = "LDAP_ID"
ACTIVATION = ("UPDATE_PASSWORD", "CONFIGURE_TOTP")
# A required action of our module credential-pages.
NEW_OTP = ("HUFU_RESET_OTP",)
SECRETS = frozenset({"password", "otp"})
# Fields that are Keycloak's own; all others are attributes.
USER_PROPERTIES = frozenset({"email"})
GROUP_PROPERTIES = frozenset({"description"})
PAGE = 100
PROBE = {"name": "hufu-probe", "description": "The sync worker writes this group to see whether it may"}


class Keycloak:
    """One long-lived connection; not for use by several threads at once."""

    def __init__(self, settings: KeycloakSettings) -> None:
        self.settings = settings
        self._keycloak = KeycloakConnection(settings)
        # The users last found, as they came: a change of attributes has to name all of them.
        self._found: dict[str, Json] = {}

    def close(self) -> None:
        self._keycloak.close()
        self._found.clear()

    def probe(self) -> None:
        self._keycloak.get("users", max=1, briefRepresentation=True)
        groups = self._keycloak.get("groups", search=PROBE["name"], exact=True, first=0, max=PAGE)
        group = next((group for group in groups if group["name"] == PROBE["name"]), None)
        if group is None:
            with suppress(Conflict):
                self._keycloak.create("groups", PROBE, Code.GROUP_TAKEN)
        else:
            self._keycloak.put(f"groups/{group['id']}", PROBE)

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        self._found.clear()
        return [self._find(each) for each in asked]

    def _find(self, asked: Asked) -> Found:
        try:
            if asked.desired.kind is Kind.AGENCY:
                return self._find_group(asked)
            return self._find_user(asked.desired, asked.remote_id)
        except (Unreachable, Misconfigured):
            raise
        except TargetError as error:
            return error

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        is_group = desired.kind is Kind.AGENCY
        if isinstance(step, Create):
            (self._create_group if is_group else self._create_user)(desired)
            return
        if observed is None:
            raise Transient(Code.KEYCLOAK_ERROR, "nothing to change")
        if is_group:
            self._change_group(step, desired, observed.remote_id)
        else:
            self._change_user(step, observed.remote_id)

    def everything(self, kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        return self._all_groups(fields) if kind is Kind.AGENCY else self._all_users(fields)

    # Acts.

    def send_activation_mail(self, remote_id: str) -> None:
        self._mail_link(remote_id, ACTIVATION, lifespan=self.settings.activation_seconds)

    def send_otp_mail(self, remote_id: str) -> None:
        # As long as the realm says for what an administrator asks.
        self._mail_link(remote_id, NEW_OTP)

    def _mail_link(self, remote_id: str, actions: Sequence[str], **query: object) -> None:
        settings = self.settings
        try:
            with _slow_alone():
                self._put_about_a_user(
                    remote_id,
                    "/execute-actions-email",
                    list(actions),
                    client_id=settings.activation_client,
                    redirect_uri=settings.activation_redirect,
                    **query,
                )
        except MissingError:
            raise
        except Transient as error:
            if error.code not in {Code.KEYCLOAK_ERROR, Code.KEYCLOAK_TIMEOUT}:
                raise
            kind = Interrupted if isinstance(error, Interrupted) else Transient
            raise kind(Code.ACTIVATION_MAIL_NOT_SENT, error.detail) from error

    def end_sessions(self, remote_id: str) -> None:
        with _slow_alone():
            self._keycloak.post(f"users/{remote_id}/logout", {})

    def unlock(self, remote_id: str) -> None:
        self._keycloak.delete(f"attack-detection/brute-force/users/{remote_id}")

    def must_change(self, remote_id: str, before: datetime) -> bool:
        if any(moment > before for kind, _, moment in self._secrets(remote_id) if kind == "password"):
            return False
        user = self._keycloak.get(f"users/{remote_id}")
        actions = sorted({*user.get("requiredActions", ()), "UPDATE_PASSWORD"})
        self._put_user(remote_id, {"requiredActions": actions})
        return True

    def reset_credentials(self, remote_id: str, before: datetime) -> bool:
        old = [secret for _, secret, moment in self._secrets(remote_id) if secret is not None and moment <= before]
        for secret in old:
            self._keycloak.delete(f"users/{remote_id}/credentials/{secret}")
        return bool(old)

    def credentials(self, remote_id: str) -> Credentials:
        types = {kind for kind, _, _ in self._secrets(remote_id)}
        return Credentials(password="password" in types, otp="otp" in types)

    def _secrets(self, remote_id: str) -> list[tuple[str, str | None, datetime]]:
        """Type, id and moment of each; a password kept in the directory has no id. Who is not there has none."""
        credentials = self._keycloak.find(f"users/{remote_id}/credentials") or []
        # What was never set in the directory is shown as set in 1601.
        return [
            (each["type"], each.get("id"), _moment(each["createdDate"]))
            for each in credentials
            if each["type"] in SECRETS and each.get("createdDate", 0) > 0
        ]

    def lock_of(self, remote_id: str) -> Locked | None:
        state = self._keycloak.find(f"attack-detection/brute-force/users/{remote_id}") or {}
        if not state.get("disabled") or not state.get("failedLoginNotBefore"):
            return None
        return Locked(_moment(state["lastFailure"]), _moment(state["failedLoginNotBefore"] * 1000))

    def account_of(self, remote_id: str) -> str | None:
        user = self._keycloak.find(f"users/{remote_id}")
        return None if user is None else _attribute(user, ACCOUNT_MARK) or None

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        moment = int(since.timestamp() * 1000)
        events = self._keycloak.get("events", dateFrom=moment, direction="asc", first=first, max=limit)
        return [_event(raw) for raw in events]

    # Users.

    def _find_user(self, desired: Desired, remote_id: str | None) -> Observed | None:
        user = None
        if remote_id is not None:
            user = self._keycloak.find(f"users/{remote_id}")
        bound = user is not None
        if user is None and (desired.exists or remote_id is None):
            user = self._user_by_name(desired.name)
        if user is None:
            if desired.exists and self.settings.with_directory:
                raise Transient(Code.KEYCLOAK_DOES_NOT_SEE)
            return None
        if _account_mark(user) != desired.mark:
            if not desired.exists and not bound:
                return None
            raise Conflict(Code.NAME_TAKEN_IN_KEYCLOAK)
        self._found[user["id"]] = user
        # One that has just been imported is in no group yet; if it is, reading it again tells.
        groups = self._groups_of(user["id"]) if bound or not self.settings.with_directory else []
        observed = _observed_user(user, groups, desired.place, desired.fields)
        # It keeps whom the directory hides, also one whose entry is gone for good, until we take him away.
        is_outlived = desired.source is not None and _attribute(user, ENTRY) not in {"", desired.source}
        return replace(observed, outlived=is_outlived)

    def _user_by_name(self, name: str) -> Json | None:
        users = self._keycloak.get("users", username=name, exact=True, first=0, max=2, briefRepresentation=False)
        return next((user for user in users if user["username"].lower() == name.lower()), None)

    def _groups_of(self, user_id: str) -> list[str]:
        """Our groups among those the user is in."""
        groups = self._keycloak.get(f"users/{user_id}/groups", briefRepresentation=False)
        return [group["id"] for group in groups if _attribute(group, GROUP_MARK)]

    def _create_user(self, desired: Desired) -> None:
        body = {
            "username": desired.name,
            "enabled": bool(desired.enabled),
            "emailVerified": True,
            "attributes": {name: [value] for name, value in _attributes(desired).items() if value},
        } | {name: desired.fields[name] for name in USER_PROPERTIES if desired.fields.get(name)}
        user_id = self._keycloak.create("users", body, Code.NAME_TAKEN_IN_KEYCLOAK)
        if desired.place is not None:
            self._join(user_id, desired.place)

    def _change_user(self, step: Step, user_id: str) -> None:
        if isinstance(step, SetFields):
            self._set_user_fields(user_id, {name: after for name, _, after in step.changes})
        elif isinstance(step, SetEnabled):
            self._put_user(user_id, {"enabled": step.after})
        elif isinstance(step, Rename):
            self._put_user(user_id, {"username": step.after})
        elif isinstance(step, Place):
            if step.after is not None:
                self._join(user_id, step.after)
            if step.before is not None:
                self._keycloak.delete(f"users/{user_id}/groups/{step.before}")
        elif isinstance(step, Leave):
            self._keycloak.delete(f"users/{user_id}/groups/{step.place}")
        elif isinstance(step, Delete):
            self._delete_user(user_id)
        elif isinstance(step, Adopt | Create):
            raise Refused(Code.KEYCLOAK_REFUSED, "a user is made, or adopted in the directory")
        else:
            assert_never(step)

    def _set_user_fields(self, user_id: str, values: Mapping[str, str]) -> None:
        # A list of attributes replaces all of them, and e-mail with them, so the others are sent as they are.
        user = self._found.get(user_id) or self._keycloak.get(f"users/{user_id}")
        body: Json = {name: values.get(name, user.get(name)) for name in USER_PROPERTIES}
        attributes = dict(user.get("attributes") or {})
        attributes |= {name: [value] for name, value in values.items() if name not in USER_PROPERTIES}
        body["attributes"] = {name: texts for name, texts in attributes.items() if texts != [""]}
        if body.get("email"):
            body["emailVerified"] = True
        self._put_user(user_id, body)

    def _put_user(self, user_id: str, body: Json) -> None:
        try:
            self._put_about_a_user(user_id, "", body, Code.NAME_TAKEN_IN_KEYCLOAK)
        finally:
            self._found.pop(user_id, None)

    def _put_about_a_user(
        self, user_id: str, what: str, body: object, taken: Code | None = None, /, **query: object
    ) -> None:
        try:
            self._keycloak.put(f"users/{user_id}{what}", body, taken, **query)
        except UnexplainedError as error:
            # So it answers about somebody who has moved in the directory since we read him, of whom it names what it
            # writes itself; and about one whom it does not find there now: it takes him for disabled meanwhile, and
            # would mail him nothing.
            if self.settings.with_directory and (error.fields or not self._is_shown(user_id)):
                raise Transient(Code.KEYCLOAK_DOES_NOT_SEE) from None
            raise

    def _is_shown(self, user_id: str) -> bool:
        user = self._keycloak.find(f"users/{user_id}")
        return user is not None and bool(user.get("enabled"))

    def _join(self, user_id: str, group_id: str) -> None:
        self._put_about_a_user(user_id, f"/groups/{group_id}", {})

    def _delete_user(self, user_id: str) -> None:
        """Where there is a directory it has to be gone there: Keycloak may delete nothing in it, and says 500."""
        try:
            self._keycloak.delete(f"users/{user_id}")
        except Transient:
            # One that it remembers from the directory is gone nevertheless.
            if self._keycloak.find(f"users/{user_id}") is not None:
                raise

    def _all_users(self, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        first = 0
        while page := self._keycloak.get("users", first=first, max=PAGE, briefRepresentation=False):
            ours = [user for user in page if _attribute(user, ACCOUNT_MARK)]
            yield [observed for user in ours if (observed := self._listed_user(user, fields)) is not None]
            first += PAGE

    def _listed_user(self, user: Json, fields: Collection[str]) -> Observed | None:
        """None for one who has gone since he was listed."""
        try:
            return _observed_user(user, self._groups_of(user["id"]), None, fields)
        except MissingError:
            return None

    # Groups.

    def _find_group(self, asked: Asked) -> Observed | None:
        desired, remote_id = asked.desired, asked.remote_id
        group = None
        if remote_id is not None:
            group = self._keycloak.find(f"groups/{remote_id}")
        elif asked.in_flight:
            group = self._group_by_mark(desired.mark)
        bound = group is not None
        if group is None and (desired.exists or remote_id is None):
            group = self._group_by_name(desired)
        if group is None:
            return None
        if _attribute(group, GROUP_MARK) != desired.mark:
            if not desired.exists and not bound:
                return None
            raise Conflict(Code.GROUP_TAKEN)
        return _observed_group(group, desired.fields)

    def _group_by_name(self, desired: Desired) -> Json | None:
        query = {"search": desired.name, "exact": True, "first": 0, "max": PAGE, "briefRepresentation": False}
        if desired.place is None:
            groups = self._keycloak.get("groups", **query)
        else:
            groups = self._keycloak.find(f"groups/{desired.place}/children", **query)
            if groups is None:
                raise Transient(Code.WAITS_FOR_AGENCY, "the parent group is missing")
        return next((group for group in groups if group["name"] == desired.name), None)

    def _group_by_mark(self, mark: str) -> Json | None:
        query = {"q": f'{GROUP_MARK}:"{mark}"', "populateHierarchy": False, "first": 0, "max": PAGE}
        groups = self._keycloak.get("groups", briefRepresentation=False, **query)
        return next((group for group in groups if _attribute(group, GROUP_MARK) == mark), None)

    def _create_group(self, desired: Desired) -> None:
        path = "groups" if desired.place is None else f"groups/{desired.place}/children"
        self._keycloak.create(path, _group_body(desired), Code.GROUP_TAKEN)

    def _change_group(self, step: Step, desired: Desired, group_id: str) -> None:
        if isinstance(step, Place):
            path = "groups" if step.after is None else f"groups/{step.after}/children"
            self._keycloak.post(path, {"id": group_id, "name": desired.name}, Code.GROUP_TAKEN)
        elif isinstance(step, Rename | SetFields):
            self._keycloak.put(f"groups/{group_id}", _group_body(desired), Code.GROUP_TAKEN)
        elif isinstance(step, Delete):
            self._delete_group(group_id)
        else:
            raise Refused(Code.KEYCLOAK_REFUSED, "a group has no state")

    def _delete_group(self, group_id: str) -> None:
        """Keycloak would take along all that is in it, so it has to be empty."""
        below = self._keycloak.find(f"groups/{group_id}/children", first=0, max=PAGE, briefRepresentation=False) or []
        members = self._keycloak.find(f"groups/{group_id}/members", first=0, max=PAGE, briefRepresentation=False) or []
        if below or members:
            ours = [*(_attribute(group, GROUP_MARK) for group in below), *map(_account_mark, members)]
            raise _not_empty(only_ours=all(ours))
        self._keycloak.delete(f"groups/{group_id}")

    def _all_groups(self, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        """Ours from the top down; never all groups, of which there may be very many that are not ours."""
        paths = ["groups"]
        while paths:
            level: list[Json] = []
            for path in paths:
                level += [group for page in self._pages_of_groups(path) for group in page]
            yield [_observed_group(group, fields) for group in level]
            paths = [f"groups/{group['id']}/children" for group in level if group["subGroupCount"]]

    def _pages_of_groups(self, path: str) -> Iterator[list[Json]]:
        first = 0
        while page := self._keycloak.get(path, first=first, max=PAGE, briefRepresentation=False):
            yield [group for group in page if _attribute(group, GROUP_MARK)]
            first += PAGE


@contextmanager
def _slow_alone() -> Iterator[None]:
    """What takes long by itself, as a mail does through a slow relay, is late alone: the next question tells whether
    Keycloak is there.
    """
    try:
        yield
    except Unreachable as error:
        if error.code is not Code.KEYCLOAK_TIMEOUT:
            raise
        raise Interrupted(error.code, error.detail) from error


def _not_empty(*, only_ours: bool) -> TargetError:
    """Ours leave by themselves; others do not."""
    return Transient(Code.OU_NOT_EMPTY, "ours") if only_ours else Conflict(Code.OU_NOT_EMPTY)


def _attribute(raw: Json, name: str) -> str:
    values = (raw.get("attributes") or {}).get(name) or [""]
    return str(values[0])


def _account_mark(user: Json) -> str:
    account_id = _attribute(user, ACCOUNT_MARK)
    return f"hufu:account:{account_id}" if account_id else ""


def _attributes(desired: Desired) -> dict[str, str]:
    values = {name: value for name, value in desired.fields.items() if name not in USER_PROPERTIES}
    return values | {ACCOUNT_MARK: desired.mark.rpartition(":")[2]}


def _group_body(desired: Desired) -> Json:
    attributes = {key: [value] for key, value in desired.fields.items() if key not in GROUP_PROPERTIES}
    properties = {key: desired.fields[key] for key in GROUP_PROPERTIES & desired.fields.keys()}
    return {"name": desired.name, "attributes": attributes | {GROUP_MARK: [desired.mark]}} | properties


def _observed_user(user: Json, groups: Sequence[str], wanted: str | None, fields: Collection[str]) -> Observed:
    place = wanted if wanted in groups else next(iter(groups), None)
    return Observed(
        remote_id=user["id"],
        mark=_account_mark(user),
        name=user["username"],
        place=place,
        address=user["username"],
        enabled=bool(user.get("enabled")),
        fields=_fields(user, fields, USER_PROPERTIES),
        surplus=frozenset(groups) - {place or ""},
        second_factor=bool(user.get("totp")),
    )


def _observed_group(group: Json, fields: Collection[str]) -> Observed:
    return Observed(
        remote_id=group["id"],
        mark=_attribute(group, GROUP_MARK),
        name=group["name"],
        place=group.get("parentId"),
        address=group.get("path", ""),
        fields=_fields(group, fields, GROUP_PROPERTIES),
    )


def _fields(raw: Json, names: Collection[str], properties: Collection[str]) -> dict[str, str]:
    return {name: (raw.get(name) or "") if name in properties else _all_of(raw, name) for name in names}


def _all_of(raw: Json, name: str) -> str:
    values = (raw.get("attributes") or {}).get(name) or [""]
    return str(values[0]) if len(values) == 1 else in_one(map(str, values))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _event(raw: Json) -> SignInEvent:
    return SignInEvent(
        id=raw["id"],
        user_id=raw.get("userId") or "",
        type=raw["type"],
        client=raw.get("clientId") or "",
        address=raw.get("ipAddress") or "",
        at=_moment(raw["time"]),
        error=raw.get("error") or "",
        client_name=raw.get("details", {}).get("client_name", ""),
        client_name_en=raw.get("details", {}).get("client_name_en", ""),
    )
