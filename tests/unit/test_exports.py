"""The states of an export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from openpyxl import load_workbook

from hufu_console.exports.spreadsheet import sheet_name, workbook
from hufu_registry.exports.model import FILE_LIFETIME, MOVES, Export, ExportMove, ExportState
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)


def export(state: ExportState) -> Export:
    return Export(
        id=UUID(int=1),
        requested_by=AccountId(UUID(int=2)),
        list_name="sync.work_xlsx",
        recorded_as="sync.work",
        parameters={},
        state=state,
        created_at=NOW,
        expires_at=NOW + FILE_LIFETIME,
    )


@pytest.mark.parametrize("state", ExportState)
@pytest.mark.parametrize("move", ExportMove)
def test_an_export_moves_as_its_table_says_and_no_other_way(state: ExportState, move: ExportMove) -> None:
    if (state, move) in MOVES:
        assert export(state).moved(move, NOW).state is MOVES[state, move]
    else:
        with pytest.raises(IllegalMove):
            export(state).moved(move, NOW)


def test_the_day_begins_when_the_file_is_there() -> None:
    later = NOW + timedelta(hours=3)
    assert export(ExportState.RUNNING).moved(ExportMove.FINISH, later).expires_at == later + FILE_LIFETIME


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("工作", "工作"),
        ("'帳號': 名冊?", "帳號'  名冊"),
        ("x" * 30 + "'y", "x" * 30),
        ("a\x00b\nc\ud800d\uffff", "a b c d"),
        ("𠮷" * 31, "𠮷" * 15),
        ("''", ""),
    ],
)
def test_a_sheet_is_called_by_what_excel_opens(title: str, name: str) -> None:
    assert sheet_name(title) == name
    content, _rows = workbook(title, (), (), total=0)
    assert load_workbook(content).sheetnames == [name or "Sheet1"]
