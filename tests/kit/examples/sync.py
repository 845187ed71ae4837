"""A run; and the first account's work, which waits for a person, its difference, steps and sign-ins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Code
from hufu_registry.sync.store.tables import applied_steps, sign_in_records
from tests.kit.addresses import Ground
from tests.kit.sync_scenes import all_done, drifted, key_of, park, planned, sampled


def example(ground: Ground) -> Mapping[str, object]:
    services, now = ground.services, ground.services.clock.now()
    first, newest = key_of(ground.accounts[0].id), ground.accounts[-1]
    all_done(services)
    run_id = planned(services, ground.managers[-1].id, newest)
    for account in ground.accounts:
        park(services, key_of(account.id), Code.UNEXPECTED)
    drifted(services, key_of(newest.id), title=("科長", "科員"))
    sampled(services, Target.AD, [(now - timedelta(minutes=ground.number), 1, 2, 3, 4)])
    key = {"target": first.target.value, "kind": first.kind.value, "object_id": first.object_id}
    with services.engine.begin() as connection:
        connection.execute(sa.insert(applied_steps).values(**key, step="set_fields", at=now))
        connection.execute(
            sa.insert(sign_in_records),
            [
                {"event_id": uuid4().hex, "account_id": who, "type": "LOGIN", "at": now}
                for who in (ground.accounts[0].id, ground.viewer)
            ],
        )
    return {"run_id": run_id, **key, "field": "title"}
