"""Sign-in flows: reading them, and changing them while people sign in.

Keycloak changes a flow by many requests, and whoever signs in between two of them would meet a half-built flow. So each
flow of ours is a frame, which stays, around one version of it, a subflow. What takes more than one request is built as
a second version, switched off; one request switches it on before the first. Until the first is deleted, Keycloak takes
it for another way to sign in: who began in it ends in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import sleep
from typing import Any

from hufu_realm.model import Body, Json, Name, Seen, Step, mapping
from hufu_realm.server import Server, segment

SUFFIXES = (" A", " B")  # of a version and of all that has a name in it, for names are unique in a realm
LEFT_TO_FINISH = 30.0  # seconds for those in the middle of a sign-in; who takes longer is asked to begin again

FLOWS = "/authentication/flows"


@dataclass(frozen=True, slots=True)
class Version:
    """What people go through: its suffix, and its executions under the paths that our data uses for them."""

    suffix: str
    raw: dict[str, Any]
    executions: dict[str, dict[str, Any]]


def observe_flow(server: Server, name: Name) -> Iterator[Seen]:
    """A flow as our data writes it; beside its version stands what an interrupted run or somebody else left."""
    for flow in server.get(FLOWS):
        if flow["alias"] == name.key:
            version, others = _look(server, name.key)
            steps: Body = {}
            if version:
                steps |= {path: _step(server, raw, version.suffix) for path, raw in version.executions.items()}
            beside: list[Json] = [raw["displayName"] for raw in others]
            yield Seen(name, {"description": flow.get("description"), "steps": steps, "beside": beside}, flow["id"])


def write_flow(server: Server, step: Step) -> None:
    """Bring a flow to our data; at each moment people go through the old or the new version, whole."""
    alias = step.name.key
    if step.seen is None:
        flow = {"alias": alias, "providerId": "basic-flow", "topLevel": True, "builtIn": False}
        server.post(FLOWS, {**flow, "description": step.body["description"]})
    elif any(change.path == "description" for change in step.changes):
        path = f"{FLOWS}/{step.seen.id}"
        server.put(path, {**server.get(path), "description": step.body["description"]})
    version, others = _look(server, alias)
    if version:
        _delete(server, others)
    edits = _edits(step)
    if version is None or list(version.executions) != list(mapping(step.body["steps"])) or len(edits) > 1:
        _replace(server, alias, step.body, [version.raw] if version else others)
        return
    for path, what in edits:
        raw, wanted = version.executions[path], mapping(mapping(step.body["steps"])[path])
        if what == "requirement":
            _set_requirement(server, alias, raw, wanted["requirement"])
        else:
            _set_config(server, raw, wanted, version.suffix)


def _look(server: Server, alias: str) -> tuple[Version | None, list[dict[str, Any]]]:
    """The version people go through, if there is one, and all that stands beside it."""
    others = [raw for raw in _listed(server, alias) if raw["level"] == 0]
    for raw in others:
        for suffix in SUFFIXES:
            if raw["displayName"] == alias + suffix and raw["requirement"] == "ALTERNATIVE":
                executions = dict(_executions(server, alias, suffix))
                return Version(suffix, raw, executions), [other for other in others if other is not raw]
    return None, others


def _listed(server: Server, alias: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = server.get(f"{FLOWS}/{segment(alias)}/executions")
    return listed


def _executions(server: Server, alias: str, suffix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    above: list[str] = []
    for raw in _listed(server, alias + suffix):
        del above[raw["level"] :]
        own = raw["displayName"].removesuffix(suffix) if raw.get("authenticationFlow") else raw["providerId"]
        above.append(f"{raw['index'] + 1} {own}")
        yield "/".join(above), raw


def _step(server: Server, raw: dict[str, Any], suffix: str) -> Body:
    step: Body = {"requirement": raw["requirement"]}
    if raw.get("authenticationConfig"):
        config = server.get(_config_path(raw))
        step |= {"alias": config["alias"].removesuffix(suffix), "config": config["config"]}
    return step


def _config_path(raw: dict[str, Any]) -> str:
    return f"/authentication/config/{raw['authenticationConfig']}"


def _edits(step: Step) -> set[tuple[str, str]]:
    """The requests that a change in place would take: the path of an execution, and what of it."""
    edits = set()
    for path in mapping(step.body["steps"]):
        inside = f"steps.{path}."
        for change in step.changes:
            if change.path.startswith(inside):
                edits.add((path, "requirement" if change.path == f"{inside}requirement" else "config"))
    return edits


def _replace(server: Server, alias: str, body: Body, before: list[dict[str, Any]]) -> None:
    """Put a new version in the place of what was there before."""
    used = {raw["displayName"] for raw in before if raw["requirement"] != "DISABLED"}
    suffix = next(suffix for suffix in SUFFIXES if alias + suffix not in used)
    unfinished = [raw for raw in before if raw["displayName"] == alias + suffix]
    _delete(server, unfinished)
    _build(server, alias, body, suffix, priority=min((raw["priority"] for raw in before), default=1) - 1)
    (built,) = [raw for raw in _listed(server, alias) if raw["displayName"] == alias + suffix]
    _set_requirement(server, alias, built, "ALTERNATIVE")
    if used:
        sleep(LEFT_TO_FINISH)
    _delete(server, [raw for raw in before if raw not in unfinished])


def _delete(server: Server, executions: Iterable[dict[str, Any]]) -> None:
    # From the front: a reset that lost its end would let in whom its beginning names.
    for raw in executions:
        server.delete(f"/authentication/executions/{raw['id']}")


def _build(server: Server, alias: str, body: Body, suffix: str, priority: int) -> None:
    """Make a version that is switched off."""
    wanted = mapping(body["steps"])
    _add_flow(server, alias, alias + suffix, priority=priority)
    for path in wanted:
        *above, own = (piece.split(" ", 1)[1] for piece in path.split("/"))
        parent = (above[-1] if above else alias) + suffix
        if any(other.startswith(f"{path}/") for other in wanted):
            _add_flow(server, parent, own + suffix)
        else:
            server.post(f"{FLOWS}/{segment(parent)}/executions/execution", {"provider": own})
    for path, raw in _executions(server, alias, suffix):
        step = mapping(wanted[path])
        _set_config(server, raw, step, suffix)
        _set_requirement(server, alias, raw, step["requirement"])


def _add_flow(server: Server, parent: str, alias: str, **more: int) -> None:
    body = {"alias": alias, "type": "basic-flow", "provider": "registration-page-form", **more}
    server.post(f"{FLOWS}/{segment(parent)}/executions/flow", body)


def _set_config(server: Server, raw: dict[str, Any], wanted: Body, suffix: str) -> None:
    if "config" not in wanted:
        if raw.get("authenticationConfig"):
            server.delete(_config_path(raw))
        return
    config = {"alias": f"{wanted['alias']}{suffix}", "config": wanted["config"]}
    if raw.get("authenticationConfig"):
        server.put(_config_path(raw), {"id": raw["authenticationConfig"], **config})
    else:
        server.post(f"/authentication/executions/{raw['id']}/config", config)


def _set_requirement(server: Server, alias: str, raw: dict[str, Any], requirement: Json) -> None:
    if raw["requirement"] != requirement:
        server.put(f"{FLOWS}/{segment(alias)}/executions", {**raw, "requirement": requirement})
