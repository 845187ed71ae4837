"""The states of an account, and its names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest

from hufu_registry.accounts.model import (
    MOVES,
    AccountMove,
    AccountState,
    name_key,
)
from hufu_registry.kernel.errors import IllegalMove
from tests.kit.accounts import an_account

NOW = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)


@pytest.mark.requirement("S2-22")
@pytest.mark.parametrize(("state", "move"), list(product(AccountState, AccountMove)))
def test_every_pair_of_state_and_move_is_either_in_the_table_or_refused(state: AccountState, move: AccountMove) -> None:
    if (state, move) in MOVES:
        assert an_account(state=state).moved(move, now=NOW).state is MOVES[state, move]
    else:
        with pytest.raises(IllegalMove):
            an_account(state=state).moved(move, now=NOW)


def test_an_account_is_registered_but_not_activated_until_its_owner_activates_it() -> None:
    waiting = an_account(state=AccountState.NOT_ACTIVATED)
    assert waiting.activated_at is None
    assert waiting.moved(AccountMove.ACTIVATE, now=NOW).activated_at == NOW


def test_a_restored_account_has_to_be_activated_again() -> None:
    for state, move in ((AccountState.DISABLED, AccountMove.RESTORE), (AccountState.ENABLED, AccountMove.REMAKE)):
        again = replace(an_account(state=state), activated_at=NOW).moved(move, now=NOW)
        assert (again.state, again.activated_at) == (AccountState.NOT_ACTIVATED, None)
        assert (again.approved_at, again.to_activate_since) == (again.created_at, NOW)


def test_nothing_leads_out_of_deleted() -> None:
    assert not [move for state, move in MOVES if state is AccountState.DELETED]


def test_names_are_compared_without_case() -> None:
    assert name_key("WangXM") == name_key("wangxm")
