"""The same button pressed by several at the same moment: it happens once, and one record says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.use_cases import cancel, release
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.sync.use_cases import (
    accept_drift,
    pause_target,
    request_comparison,
    request_plan_execution,
    resume_target,
)
from tests.kit.accounts import official
from tests.kit.guard import transfer_account
from tests.kit.staff import Staff
from tests.kit.sync_scenes import drifted, held, key_of, planned

AT_ONCE = 4


def test_what_several_press_at_once_happens_once(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    chief = official(services, chain[0], role=Role.SYSTEM_MANAGER)
    askers = [staff.system_manager(chain[0]) for _ in range(AT_ONCE)]
    wang, lin, chen, wu = (official(services, chain[3]) for _ in range(4))
    drifted(services, key_of(wang.id), title=("科長", "科員"))
    plan_id = planned(services, chief.id, chen)
    released, cancelled = (held(services, chief.id, [one], most=0) for one in (chen, wu))
    # In this order, where one changes what another needs.
    acts: dict[str, Callable[[SqlServices, Actor], object]] = {
        "agency.unit_added": partial(add_unit, AddUnit(chain[3].id, "新組")),
        "comparison.requested": partial(request_comparison, Target.AD),
        "drift.accepted": partial(accept_drift, key_of(wang.id), "title"),
        "plan.execution_requested": partial(request_plan_execution, plan_id),
        "target.paused": partial(pause_target, Target.AD, "檢修"),
        "target.resumed": partial(resume_target, Target.AD),
        "account.transferred": partial(transfer_account, wang.id, chain[2].id),
        "account.disabled": partial(disable_account, lin.id, reason="離職"),
        "held_change.released": partial(release, released, 1),
        "held_change.cancelled": partial(cancel, cancelled, 1, reason="誤送"),
    }
    start = Barrier(AT_ONCE)

    def press(act: Callable[[SqlServices, Actor], object], asker: Actor) -> None:
        start.wait()
        try:
            act(services, asker)
        except HufuError:
            # Somebody else was first.
            return

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, act in acts.items():
            before = staff.recorded().count(name)
            list(pool.map(partial(press, act), askers))
            assert (name, staff.recorded().count(name) - before) == (name, 1)
