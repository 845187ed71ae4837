"""Every stored type as columns and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hufu_registry.accounts.model import Account, AccountKind, AccountState, Profile
from hufu_registry.agencies.model import Path
from hufu_registry.kernel.ids import AccountId, AgencyId, PersonId
from hufu_registry.kernel.keys import Keys, Unreadable
from hufu_registry.kernel.mapping import from_columns, from_document, to_columns, to_document

KEYS = Keys(data=b"d" * 32, index=b"i" * 32, audit=b"a" * 32)
AT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
ACCOUNT = Account(
    id=AccountId(UUID(int=1)),
    person_id=PersonId(UUID(int=2)),
    account_name="wangxm",
    agency_id=AgencyId(3),
    agency_path=Path("1.2.3"),
    profile=Profile(name="王小明", title="科員", mobile="0912345678", unit_id=AgencyId(4), unit_name="秘書室"),
    mailbox="wang@example.org",
    language="zh_Hant_TW",
    state=AccountState.ENABLED,
    created_at=AT,
    approved_at=AT,
    kind=AccountKind.SHARED,
)


def test_an_account_lies_flat_and_comes_back_as_it_was() -> None:
    columns = to_columns(ACCOUNT, KEYS)
    assert (columns["agency_path"], columns["state"], columns["name"], columns["deleted_at"]) == (
        "1.2.3", "enabled", "王小明", None,
    )  # fmt: skip
    assert from_columns(Account, columns, KEYS) == ACCOUNT


def test_a_sealed_field_is_nowhere_in_clear_and_is_found_by_its_hash() -> None:
    columns = to_columns(ACCOUNT, KEYS)
    assert "0912345678" not in str(columns)
    assert "mobile" not in columns
    assert columns["mobile_key"] == KEYS.index("mobile", "0912345678")
    without = to_columns(replace(ACCOUNT, profile=replace(ACCOUNT.profile, mobile="")), KEYS)
    assert (without["mobile_sealed"], without["mobile_key"]) == ("", None)


def test_a_field_without_a_column_has_its_default() -> None:
    columns = {name: value for name, value in to_columns(ACCOUNT, KEYS).items() if name != "official_mail"}
    assert from_columns(Account, columns, KEYS) == ACCOUNT


def test_a_document_is_sealed_and_comes_back_as_it_was() -> None:
    document = to_document("form", ACCOUNT, KEYS)
    assert "王小明" not in document
    assert from_document("form", Account, document, KEYS) == ACCOUNT
    with pytest.raises(Unreadable):
        from_document("another", Account, document, KEYS)


def test_what_is_known_better_stands_before_the_document() -> None:
    document = to_document("form", ACCOUNT, KEYS)
    assert from_document("form", Account, document, KEYS, {"agency_id": 7}).agency_id == 7


@dataclass(frozen=True)
class Odd:
    wait: timedelta


def test_a_document_refuses_what_it_could_not_give_back() -> None:
    with pytest.raises(TypeError, match="timedelta"):
        to_document("form", Odd(timedelta(days=1)), KEYS)
