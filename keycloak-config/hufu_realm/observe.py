"""Reading from the server what our data names, and only that: never all groups, users or clients."""

from collections.abc import Iterable, Iterator
from typing import Any

from hufu_realm.difference import REMEMBERED
from hufu_realm.flow import observe_flow
from hufu_realm.model import Body, Desired, Kind, Name, Observed, Seen
from hufu_realm.server import Server, segment

LDAP_MAPPER = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"
OIDC = "openid-connect"


def observe(server: Server, desired: Desired) -> Observed:
    """The server's state of every part that the data names."""
    realm = server.get_or_none("")
    if realm is None:
        return Observed()
    seen = [*_realm(realm), *_profile(server), *_required_actions(server), *_scopes(server)]
    for part in desired.parts:
        kind, key = part.name.kind, part.name.key
        if kind is Kind.TEXTS:
            seen.append(Seen(part.name, server.get(f"/localization/{segment(key)}")))
        elif kind is Kind.COMPONENT:
            seen += _component(server, realm["id"], part.name, str(part.body["providerType"]))
        elif kind is Kind.FLOW:
            seen += observe_flow(server, part.name)
        elif kind is Kind.CLIENT:
            seen += _client(server, key, [p.name for p in desired.parts if p.name.owner == key])
    return Observed(exists=True, parts={one.name: one for one in seen})


def _realm(realm: dict[str, Any]) -> Iterator[Seen]:
    yield Seen(Name(Kind.REALM, ""), realm, realm["id"])
    yield Seen(Name(Kind.BINDINGS, ""), realm, realm["id"])
    attributes = realm.get("attributes", {})
    yield Seen(Name(Kind.MEMORY, ""), {key: value for key, value in attributes.items() if key.startswith(REMEMBERED)})


def _profile(server: Server) -> Iterator[Seen]:
    profile = server.get("/users/profile")
    attributes: Body = {
        one["name"]: {key: value for key, value in one.items() if key != "name"} for one in profile["attributes"]
    }
    yield Seen(Name(Kind.USER_PROFILE, ""), {**profile, "attributes": attributes})


def _required_actions(server: Server) -> Iterator[Seen]:
    for action in server.get("/authentication/required-actions"):
        yield Seen(Name(Kind.REQUIRED_ACTION, action["alias"]), action)


def _scopes(server: Server) -> Iterator[Seen]:
    for scope in server.get("/client-scopes"):
        yield Seen(Name(Kind.CLIENT_SCOPE, scope["name"]), scope, scope["id"])
        for mapper in scope.get("protocolMappers", []):
            yield Seen(Name(Kind.SCOPE_MAPPER, mapper["name"], scope["name"]), mapper, mapper["id"])
    yield Seen(
        Name(Kind.DEFAULT_SCOPES, ""),
        {
            sort: [one["name"] for one in server.get(f"/default-{sort}-client-scopes") if one["protocol"] == OIDC]
            for sort in ("default", "optional")
        },
    )


def _component(server: Server, realm_id: str, name: Name, provider_type: str) -> Iterator[Seen]:
    found = server.get("/components", parent=realm_id, type=provider_type, name=name.key)
    for component in found[:1]:
        yield Seen(name, flat(component), component["id"])
        if provider_type.endswith("UserStorageProvider"):
            yield from _component_mappers(server, name.key, component["id"])


def _component_mappers(server: Server, owner: str, component_id: str) -> Iterator[Seen]:
    counts: dict[str, int] = {}
    for mapper in server.get("/components", parent=component_id, type=LDAP_MAPPER):
        twin = counts[mapper["name"]] = counts.get(mapper["name"], 0) + 1
        key = mapper["name"] if twin == 1 else f"{mapper['name']} ({twin})"
        yield Seen(Name(Kind.COMPONENT_MAPPER, key, owner), flat(mapper), mapper["id"])


def flat(component: dict[str, Any]) -> Body:
    """A component with single values in its config instead of lists of one."""
    config = {key: values[0] if values else None for key, values in component.get("config", {}).items()}
    return {**component, "config": config}


def _client(server: Server, key: str, belongings: Iterable[Name]) -> Iterator[Seen]:
    for client in server.get("/clients", clientId=key):
        yield Seen(Name(Kind.CLIENT, key), client, client["id"])
        scopes = {sort: client.get(f"{sort}ClientScopes", []) for sort in ("default", "optional")}
        yield Seen(Name(Kind.CLIENT_SCOPES, "", key), scopes, client["id"])
        for name in belongings:
            if name.kind is Kind.SERVICE_ROLES and client.get("serviceAccountsEnabled"):
                held = server.get(service_roles_path(server, client["id"], name.key))
                yield Seen(name, {"roles": [role["name"] for role in held]}, client["id"])


def service_roles_path(server: Server, client_id: str, owner: str) -> str:
    """Where the roles of `owner` lie that a client's service account holds."""
    user = server.get(f"/clients/{client_id}/service-account-user")
    (roles_of,) = server.get("/clients", clientId=owner)
    return f"/users/{user['id']}/role-mappings/clients/{roles_of['id']}"
