"""What an audit record says, and the bytes its seal is computed over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import AgencyId

Values = Mapping[str, object]


def differences(old: Values, new: Values) -> tuple[dict[str, object], dict[str, object]]:
    """Of two with the same names, what is not the same: as it was, and as it is."""
    changed = [name for name in old if old[name] != new[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}


@dataclass(frozen=True, slots=True)
class Record:
    """One act: what was done to which object, by whom, from where, and what it changed.

    `action` is one of its feature's `events`. `old` and `new` hold only what changed; secrets, codes and
    encrypted fields never stand in them.
    """

    at: datetime
    action: str
    actor: Actor
    object_kind: str
    object_id: str
    agency_id: AgencyId | None
    old: Values
    new: Values

    def sealed_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTC."""
        return json.dumps(
            {
                "at": self.at.isoformat(),
                "action": self.action,
                "actor": [self.actor.kind.value, str(self.actor.account_id or ""), self.actor.place or ""],
                "object": [self.object_kind, self.object_id],
                "agency": self.agency_id,
                "old": self.old,
                "new": self.new,
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
