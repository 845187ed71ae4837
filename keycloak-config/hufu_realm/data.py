"""Reading the realm's data: YAML documents with ${VARIABLES}; all that is undefined is told at once."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hufu_realm.model import Body, Desired, Json, Kind, Name, Part, Secret

VARIABLE = re.compile(r"\$\$|\$\{(?:(?P<how>file|loopback):)?(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^}]*))?\}")
INTEGRATOR_PORTS = 10


class BadDataError(Exception):
    """The data cannot be read as a realm; nothing has been written."""


class UndefinedError(BadDataError):
    """Variables that the data names and nobody set; nothing has been written."""

    def __init__(self, names: set[str]) -> None:
        super().__init__("undefined: " + ", ".join(sorted(names)))
        self.names = frozenset(names)


class Variables:
    """Fills in ${NAME}, ${NAME:-default}, ${file:NAME} (a secret) and ${loopback:NAME} (redirect addresses)."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.undefined: set[str] = set()

    def fill(self, value: Json) -> Json:
        """The value with every variable replaced; what is missing is collected in `undefined`."""
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if not isinstance(value, str):
            return value
        whole = VARIABLE.fullmatch(value)
        if whole and whole["how"] == "file":
            return self._secret(whole["name"])
        if whole and whole["how"] == "loopback":
            return self._loopback(whole["name"])
        return VARIABLE.sub(self._text, value)

    def holds(self, condition: Mapping[str, str]) -> bool:
        """Whether a document is meant: each variable has the value, or any value for "*"."""
        return all(
            bool(self._values.get(name)) if wanted == "*" else self._values.get(name) == wanted
            for name, wanted in condition.items()
        )

    def _text(self, match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value = self._values.get(match["name"]) or match["default"]
        if value is None:
            self.undefined.add(match["name"])
            return ""
        return value

    def _secret(self, name: str) -> Secret:
        path = self._values.get(name)
        if not path:
            self.undefined.add(name)
            return Secret("")
        try:
            secret = Path(path).read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise BadDataError(f"{name}: cannot read its file: {problem.strerror}") from problem
        if not secret:
            raise BadDataError(f"{name}: its file is empty")
        return Secret(secret)

    def _loopback(self, name: str) -> list[Json]:
        first = self._values.get(name)
        if not first or not first.isdecimal():
            self.undefined.add(name)
            return []
        ports = range(int(first), int(first) + INTEGRATOR_PORTS)
        return [f"http://{host}:{port}/*" for port in ports for host in ("localhost", "127.0.0.1")]


def read(folder: Path, values: Mapping[str, str], realm: str) -> Desired:
    """The realm that a folder's *.yaml documents describe, in the order of their file names."""
    variables = Variables(values)
    parts: dict[Name, Part] = {}
    whole: set[tuple[Kind, str]] = set()
    for document in _documents(folder):
        if not variables.holds(document.get("when", {})):
            continue
        for part in _parts(document, variables):
            before = parts.get(part.name)
            parts[part.name] = Part(part.name, _merged(before.body, part.body)) if before else part
        if "mappers" in document:
            whole.add((_mapper_kind(document), document["key"]))
    if variables.undefined:
        raise UndefinedError(variables.undefined)
    return Desired(realm, tuple(parts.values()), frozenset(whole))


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise BadDataError(f"no *.yaml in {folder.name}")
    for file in files:
        try:
            documents = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
        except yaml.YAMLError as problem:
            raise BadDataError(f"{file.name}: {problem}") from problem
        for document in documents:
            if not isinstance(document, dict) or document.get("kind") not in set(Kind):
                raise BadDataError(f"{file.name}: a document needs a known kind")
            yield document


def _parts(document: dict[str, Any], variables: Variables) -> Iterator[Part]:
    kind, key = Kind(document["kind"]), document.get("key", "")
    body = variables.fill(document.get("body", {}))
    if not isinstance(body, dict):
        raise BadDataError(f"{kind} {key}: body must be a mapping")
    if kind is Kind.COMPONENT:
        body["providerType"] = document["type"]
    if kind is Kind.FLOW:
        steps = dict(_flow_steps(body["executions"], ""))
        body = {"description": body.get("description"), "steps": steps, "beside": []}
    yield Part(Name(kind, key), body)
    for mapper, inner in document.get("mappers", {}).items():
        filled = variables.fill(inner)
        if not isinstance(filled, dict):
            raise BadDataError(f"{key} / {mapper}: must be a mapping")
        yield Part(Name(_mapper_kind(document), mapper, key), filled)
    if "scopes" in document:
        yield Part(Name(Kind.CLIENT_SCOPES, "", key), dict(document["scopes"]))
    for owner, roles in document.get("service_roles", {}).items():
        yield Part(Name(Kind.SERVICE_ROLES, owner, key), {"roles": roles})


def _mapper_kind(document: dict[str, Any]) -> Kind:
    return Kind.COMPONENT_MAPPER if document["kind"] == Kind.COMPONENT else Kind.SCOPE_MAPPER


def _flow_steps(executions: Any, above: str) -> Iterator[tuple[str, Json]]:
    """A flow's tree as paths in order, "2 forms/1 auth-otp-form", so that order and nesting are compared."""
    for place, execution in enumerate(executions, 1):
        path = f"{above}{place} {execution.get('flow') or execution['provider']}"
        step: Body = {"requirement": execution["requirement"]}
        if "config" in execution:
            step |= {"alias": execution["alias"], "config": execution["config"]}
        yield path, step
        if "flow" in execution:
            yield from _flow_steps(execution["executions"], f"{path}/")


def _merged(first: Body, second: Body) -> Body:
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
