"""What an audit record may say was done is declared by its feature, and nothing else is recorded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from hufu_registry.audit.model import differences
from hufu_registry.audit.store import SqlAudit
from hufu_registry.features import FEATURES
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind
from hufu_registry.propagation.model import ActionKind
from hufu_registry.sync.events import acted, done_in

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {feature.name: frozenset(feature.events) for feature in FEATURES}
# Made from parts where they are written.
COMPOSED = {acted(kind) for kind in ActionKind} | {
    done_in(kind, done, target)
    for kind in (Kind.AGENCY, Kind.ACCOUNT)
    for done in ("made", "changed", "removed")
    for target in STATE_TARGETS
}


def written() -> Iterator[tuple[str, str]]:
    """(feature, event) of each text in the product's rules that looks like an event of a declared object."""
    objects = {event.partition(".")[0] for events in DECLARED.values() for event in events}
    registry = ROOT / "registry" / "hufu_registry"
    for path in [*registry.rglob("*.py"), *(ROOT / "sync-worker").rglob("*.py")]:
        in_registry = path.is_relative_to(registry)
        feature = path.relative_to(registry).parts[0] if in_registry else "sync"
        if in_registry and not {"use_cases", "use_cases.py", "types"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                about, dot, verb = node.value.partition(".")
                if dot and about in objects and verb.isidentifier():
                    yield feature, node.value


def test_each_feature_declares_what_it_records_and_nothing_else() -> None:
    found = set(written()) - {("sync", "agency.test")}
    assert found == {(feature, event) for feature, events in DECLARED.items() for event in events - COMPOSED}


def test_an_event_belongs_to_one_feature() -> None:
    events = [event for events in DECLARED.values() for event in events]
    assert len(events) == len(set(events))


def test_a_record_of_a_change_holds_only_what_changed() -> None:
    assert differences({"name": "a", "title": "b"}, {"name": "a", "title": "c"}) == ({"title": "b"}, {"title": "c"})


def test_what_nobody_declares_is_not_recorded() -> None:
    audit = SqlAudit(cast("Any", None), cast("Any", None), SYSTEM, datetime(2027, 1, 1, tzinfo=UTC), {"visit.added"})
    with pytest.raises(LookupError, match=r"visit\.ended"):
        audit.record("visit.ended", object_kind="visit", object_id="1")
