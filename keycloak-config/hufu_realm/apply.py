"""Doing the steps: one writer per kind of part, and rounds until the plan is empty."""

from collections.abc import Callable, Mapping
from typing import Any

from hufu_realm.difference import plan
from hufu_realm.flow import write_flow
from hufu_realm.model import Action, Body, Desired, Json, Kind, Step, mapping
from hufu_realm.observe import LDAP_MAPPER, OIDC, observe, service_roles_path
from hufu_realm.server import Server, ServerError, segment

ROUNDS = 5  # a new realm brings defaults with it, which only the next look can see
OWNERS = (Kind.COMPONENT, Kind.CLIENT_SCOPE, Kind.CLIENT)


class RestlessError(Exception):
    """The server did not come to rest at our data; the message names what still differs."""


def apply(server: Server, desired: Desired, tell: Callable[[Step], None]) -> int:
    """Bring the server to the data; the number of steps taken, 0 where nothing differed."""
    taken = 0
    for _ in range(ROUNDS):
        observed = observe(server, desired)
        steps = plan(desired, observed)
        if not steps:
            return taken
        if not observed.exists:
            steps = tuple(step for step in steps if step.name.kind is Kind.REALM)
        born: set[str] = set()
        for step in steps:
            if step.name.owner in born and step.name.kind is not Kind.CLIENT_SCOPES:
                continue  # its owner came with parts of its own: look first
            tell(step)
            WRITERS[step.name.kind](server, step)
            taken += 1
            if step.action is Action.CREATE and step.name.kind in OWNERS:
                born.add(step.name.key)
    left = plan(desired, observe(server, desired))
    if left:
        raise RestlessError("still different: " + "; ".join(f"{s.name} {[c.path for c in s.changes]}" for s in left))
    return taken


def _merged(there: Json, want: Mapping[str, Json]) -> Body:
    merged: Body = dict(there) if isinstance(there, dict) else {}
    for key, value in want.items():
        merged[key] = _merged(merged.get(key), value) if isinstance(value, dict) else value
    return merged


def _names(value: Json) -> set[str]:
    return {str(one) for one in value} if isinstance(value, list) else set()


def _realm(server: Server, step: Step) -> None:
    if step.action is Action.CREATE:
        server.create_realm({"realm": server.realm, **step.body})
    else:
        # Whole, not only what differs: of settings that belong together Keycloak ignores a single one.
        there = step.seen.body if step.seen else {}
        server.put("", _merged({key: there.get(key) for key in step.body}, step.body))


def _memory(server: Server, step: Step) -> None:
    attributes = server.get("").get("attributes", {})
    server.put("", {"attributes": {**attributes, **step.body}})


def _profile(server: Server, step: Step) -> None:
    profile = server.get("/users/profile")
    wanted: dict[str, Any] = dict(mapping(step.body["attributes"]))
    attributes = [
        {"name": one["name"], **wanted.pop(one["name"])} if one["name"] in wanted else one
        for one in profile["attributes"]
    ]
    attributes += [{"name": name, **attribute} for name, attribute in wanted.items()]
    server.put("/users/profile", {**profile, "attributes": attributes})


def _texts(server: Server, step: Step) -> None:
    server.post(f"/localization/{segment(step.name.key)}", step.body)


def _component(server: Server, step: Step) -> None:
    if step.action is Action.REMOVE and step.seen:
        server.delete(f"/components/{step.seen.id}")
        return
    body = _merged(step.seen.body if step.seen else {}, step.body)
    body["name"] = step.name.key
    body["config"] = {key: [] if value is None else [value] for key, value in mapping(body["config"]).items()}
    if step.seen:
        server.put(f"/components/{step.seen.id}", body)
        return
    if step.name.kind is Kind.COMPONENT_MAPPER:
        body |= {"providerType": LDAP_MAPPER, "parentId": _component_id(server, step.name.owner)}
    server.post("/components", body)


def _component_id(server: Server, name: str) -> str:
    return str(server.get("/components", name=name)[0]["id"])


def _required_action(server: Server, step: Step) -> None:
    if step.seen is None:
        server.post("/authentication/register-required-action", {"providerId": step.name.key, "name": step.name.key})
        return
    server.put(f"/authentication/required-actions/{segment(step.name.key)}", _merged(step.seen.body, step.body))


def _bindings(server: Server, step: Step) -> None:
    server.put("", step.body)


def _client_scope(server: Server, step: Step) -> None:
    if step.seen:
        server.put(f"/client-scopes/{step.seen.id}", _merged(step.seen.body, step.body))
    else:
        server.post("/client-scopes", {"name": step.name.key, **step.body})


def _scope_mapper(server: Server, step: Step) -> None:
    scope = next(one["id"] for one in server.get("/client-scopes") if one["name"] == step.name.owner)
    path = f"/client-scopes/{scope}/protocol-mappers/models"
    if step.action is Action.REMOVE and step.seen:
        server.delete(f"{path}/{step.seen.id}")
    elif step.seen:
        server.put(f"{path}/{step.seen.id}", _merged(step.seen.body, step.body))
    else:
        server.post(path, {"name": step.name.key, "protocol": "openid-connect", **step.body})


def _default_scopes(server: Server, step: Step) -> None:
    _set_scopes(server, "", step.body, {sort: f"/default-{sort}-client-scopes" for sort in ("default", "optional")})


def _client_scopes(server: Server, step: Step) -> None:
    client = f"/clients/{_client_id(server, step.name.owner)}"
    _set_scopes(server, client, step.body, {sort: f"/{sort}-client-scopes" for sort in ("default", "optional")})


def _set_scopes(server: Server, base: str, wanted: Body, paths: dict[str, str]) -> None:
    ids = {one["name"]: one["id"] for one in server.get("/client-scopes")}
    current = {
        sort: {one["name"] for one in server.get(base + path) if one.get("protocol", OIDC) == OIDC}
        for sort, path in paths.items()
    }
    # First everything out: a scope cannot be default and optional at once.
    for sort, path in paths.items():
        for name in sorted(current[sort] - _names(wanted[sort])):
            server.delete(f"{base}{path}/{ids[name]}")
    for sort, path in paths.items():
        for name in sorted(_names(wanted[sort]) - current[sort]):
            server.put(f"{base}{path}/{ids[name]}", {})


def _client(server: Server, step: Step) -> None:
    if step.seen:
        server.put(f"/clients/{step.seen.id}", _merged(step.seen.body, step.body))
    else:
        server.post("/clients", {"clientId": step.name.key, **step.body})


def _client_id(server: Server, key: str) -> str:
    found = server.get("/clients", clientId=key)
    if not found:
        raise ServerError(f"no client {key}")
    return str(found[0]["id"])


def _service_roles(server: Server, step: Step) -> None:
    path = service_roles_path(server, _client_id(server, step.name.owner), step.name.key)
    held = {role["name"]: role for role in server.get(path)}
    wanted = _names(step.body["roles"])
    roles_of = _client_id(server, step.name.key)
    missing = [server.get(f"/clients/{roles_of}/roles/{segment(name)}") for name in sorted(wanted - held.keys())]
    if missing:
        server.post(path, missing)
    extra = [held[name] for name in sorted(held.keys() - wanted)]
    if extra:
        server.delete(path, extra)


WRITERS: Mapping[Kind, Callable[[Server, Step], None]] = {
    Kind.REALM: _realm,
    Kind.USER_PROFILE: _profile,
    Kind.TEXTS: _texts,
    Kind.COMPONENT: _component,
    Kind.COMPONENT_MAPPER: _component,
    Kind.REQUIRED_ACTION: _required_action,
    Kind.FLOW: write_flow,
    Kind.BINDINGS: _bindings,
    Kind.CLIENT_SCOPE: _client_scope,
    Kind.SCOPE_MAPPER: _scope_mapper,
    Kind.DEFAULT_SCOPES: _default_scopes,
    Kind.CLIENT: _client,
    Kind.CLIENT_SCOPES: _client_scopes,
    Kind.SERVICE_ROLES: _service_roles,
    Kind.MEMORY: _memory,
}
