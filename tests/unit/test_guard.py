"""The guard's judgement, without a database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.guard.model import (
    MOVES,
    Change,
    ChangeKind,
    GuardPolicy,
    HeldChange,
    HeldMove,
    HeldState,
    Limits,
    Verdict,
    grown,
    judge,
    limits_of,
    touched,
)
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId

LIMITS = limits_of(GuardPolicy())
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SEVERITY = [Verdict.ALLOWED, Verdict.CONFIRM, Verdict.SECOND_PERSON]


def change(number: int, agency: int = 1, kind: ChangeKind = ChangeKind.MOVE, before: str = "A") -> Change:
    return Change(kind, AccountId(UUID(int=number)), AgencyId(agency), f"user{number}", "測試部", before, "B")


def changes_at(*numbers_at: tuple[int, int]) -> list[Change]:
    """(agency, how many accounts of it)."""
    return [change(1000 * agency + one, agency) for agency, number in numbers_at for one in range(number)]


change_sets = st.lists(
    st.builds(change, st.integers(0, 150), st.integers(1, 4), st.sampled_from(ChangeKind), st.sampled_from(["A", "C"])),
    max_size=160,
).map(lambda found: list({one.account_id: one for one in found}.values()))
sizes = st.dictionaries(st.integers(1, 4).map(AgencyId), st.integers(0, 500))


@pytest.mark.parametrize(
    ("changes", "accounts_at", "verdict"),
    [
        ([], {}, Verdict.ALLOWED),
        (changes_at((1, 5)), {1: 5}, Verdict.ALLOWED),
        (changes_at((1, 6)), {1: 30}, Verdict.ALLOWED),
        (changes_at((1, 6)), {1: 29}, Verdict.CONFIRM),
        (changes_at((1, 5), (2, 5), (3, 5)), {1: 5, 2: 5, 3: 5}, Verdict.ALLOWED),
        (changes_at((1, 100)), {1: 10_000}, Verdict.ALLOWED),
        (changes_at((1, 100)), {1: 100}, Verdict.CONFIRM),
        (changes_at((1, 101)), {1: 10_000}, Verdict.SECOND_PERSON),
        (changes_at((1, 51), (2, 50)), {1: 10_000, 2: 10_000}, Verdict.SECOND_PERSON),
    ],
)
def test_the_limits_hold_at_their_edges(
    changes: list[Change], accounts_at: dict[AgencyId, int], verdict: Verdict
) -> None:
    assert judge(changes, accounts_at, LIMITS) is verdict


def test_an_account_that_loses_two_things_counts_once() -> None:
    both = [one for n in range(60) for one in (change(n), change(n, kind=ChangeKind.LOSE_ROLES))]
    assert touched(both) == 60
    assert judge(both, {AgencyId(1): 1_000}, LIMITS) is Verdict.ALLOWED


@given(change_sets, sizes)
def test_the_verdict_is_what_the_numbers_say(changes: list[Change], accounts_at: dict[AgencyId, int]) -> None:
    verdict = judge(changes, accounts_at, LIMITS)
    per_agency = Counter(one.agency_id for one in changes)
    too_many_of_one = any(
        n > LIMITS.agency_more_than and n / max(accounts_at.get(at, n), 1) > LIMITS.agency_percent / 100
        for at, n in per_agency.items()
    )
    assert (verdict is Verdict.SECOND_PERSON) == (len(changes) > LIMITS.most)
    assert (verdict is Verdict.ALLOWED) == (len(changes) <= LIMITS.most and not too_many_of_one)


@given(change_sets, change_sets, sizes)
def test_taking_more_never_needs_less(some: list[Change], more: list[Change], accounts_at: dict[AgencyId, int]) -> None:
    taken = {one.account_id for one in some}
    together = some + [one for one in more if one.account_id not in taken]
    before, after = judge(some, accounts_at, LIMITS), judge(together, accounts_at, LIMITS)
    assert SEVERITY.index(after) >= SEVERITY.index(before)


@given(change_sets, sizes, st.randoms())
def test_the_order_of_a_change_set_does_not_matter(
    changes: list[Change], accounts_at: dict[AgencyId, int], random: Random
) -> None:
    shuffled = list(changes)
    random.shuffle(shuffled)
    assert judge(shuffled, accounts_at, LIMITS) is judge(changes, accounts_at, LIMITS)


@given(change_sets, change_sets)
def test_only_a_part_of_what_was_seen_has_not_grown(seen: list[Change], other: list[Change]) -> None:
    assert not grown(seen[: len(seen) // 2], seen)
    losses = {(one.kind, one.account_id, one.before, one.after) for one in seen}
    strangers = [one for one in other if (one.kind, one.account_id, one.before, one.after) not in losses]
    assert bool(grown([*seen, *other], seen)) == bool(strangers)


def test_another_before_is_another_change() -> None:
    assert grown([change(1, before="C")], [change(1, before="A")])


def held_change(state: HeldState = HeldState.HELD, count: int = 101) -> HeldChange:
    asker = AccountId(UUID(int=7))
    return HeldChange(uuid4(), "rename_agency", state, "測試部", count, NOW, asker)


@pytest.mark.parametrize("state", HeldState)
@pytest.mark.parametrize("move", HeldMove)
def test_only_the_moves_of_the_table_can_be_made(state: HeldState, move: HeldMove) -> None:
    if (state, move) in MOVES:
        assert held_change(state).moved(move, now=NOW, by=None).state is MOVES[state, move]
    else:
        with pytest.raises(IllegalMove, match="held_change_state"):
            held_change(state).moved(move, now=NOW, by=None)


@pytest.mark.parametrize(("count", "needs"), [(100, False), (101, True)])
def test_above_the_absolute_number_nobody_decides_alone(count: int, needs: bool) -> None:
    asked = held_change(count=count)
    assert asked.needs_another_than(asked.requested_by, LIMITS) is needs
    assert not asked.needs_another_than(AccountId(UUID(int=8)), LIMITS)


def test_the_limits_are_settings() -> None:
    assert limits_of(GuardPolicy(guard_most=3, guard_agency_more_than=1, guard_agency_percent=50)) == Limits(3, 1, 50)
