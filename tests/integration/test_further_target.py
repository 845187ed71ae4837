"""A target that is neither a directory nor a sign-in server: a class and a schema are all it brings to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model.plan import Observed
from hufu_registry.sync.store import drift_rows
from hufu_registry.sync.use_cases import request_comparison
from hufu_sync.comparison import Comparison, Tally
from hufu_sync.converge import Converger
from hufu_sync.desired_state import TargetConfig
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine
from tests.kit.targets.documents import ArchiveSchema, DocumentSystem


@pytest.fixture
def archive(tmp_path: Path) -> DocumentSystem:
    return DocumentSystem(tmp_path)


@pytest.fixture
def converger(services: SqlServices, archive: DocumentSystem) -> Converger:
    """In the directory's stead, whose rows it takes."""
    config = TargetConfig(Target.AD, with_directory=True, schema=ArchiveSchema())
    return Converger(services, config, archive, None, timedelta(seconds=30))


@pytest.fixture
def engine(
    services: SqlServices, database: RegistrySettings, clock: SetClock, converger: Converger, archive: DocumentSystem
) -> Engine:
    made = Engine(services, database, clock, directory=True)
    made.lanes[Target.AD] = replace(made.lanes[Target.AD], work=converger, probe=archive)
    return made


def files(archive: DocumentSystem) -> list[Observed]:
    return [each for page in archive.everything(Kind.ACCOUNT, ("holder", "unit")) for each in page]


def test_it_is_brought_to_what_the_registry_says(
    engine: Engine, archive: DocumentSystem, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[3], "wangxm01")
    engine.run()
    folders = [each for page in archive.everything(Kind.AGENCY, ("oid",)) for each in page]
    assert [(each.name, each.fields["oid"]) for each in folders] == [(each.name, each.oid) for each in chain]
    (file,) = files(archive)
    assert (file.name, file.place, file.enabled) == ("wangxm01", folders[-1].remote_id, True)
    assert file.fields == {"holder": "王小明", "unit": ""}
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.run()
    assert [each.enabled for each in files(archive)] == [False]


def test_it_is_compared(
    engine: Engine, converger: Converger, archive: DocumentSystem, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    clock.advance(minutes=1)
    comparison = Comparison(converger)
    assert comparison.run(request_comparison(Target.AD, engine.services, OPERATOR)) == Tally(objects=2)
    (file,) = files(archive)
    record = archive._record(file.remote_id)
    assert record is not None
    archive._write(record | {"fields": {"holder": "他人改的", "unit": ""}})
    clock.advance(minutes=1)
    tally = comparison.run(request_comparison(Target.AD, engine.services, OPERATOR))
    assert tally == Tally(objects=2, differing=1)
    with engine.services.read() as connection:
        (drift,) = drift_rows(connection, engine.services.keys, Page(), target=Target.AD, now=clock.now()).rows
    assert (drift.key.object_id, drift.field, drift.there) == (str(account_id), "holder", "他人改的")
