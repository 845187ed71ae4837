"""The worker's engine with targets in memory, and three people that stand everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.ids import AccountId
from hufu_registry.settings import RegistrySettings
from hufu_sync.command import shared, sync
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine, Hufu


@pytest.fixture
def engine(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=True)


@pytest.fixture
def alone(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=False)


@pytest.fixture
def people(engine: Engine, chain: Sequence[Agency]) -> list[AccountId]:
    """Three accounts that stand everywhere."""
    made = [engine.account(chain[1]) for _ in range(3)]
    engine.run()
    # What was done while a page is read is not judged by it.
    engine.clock.advance(minutes=1)
    return made


@pytest.fixture
def hufu(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Hufu:
    monkeypatch.setattr(shared, "build_engine", lambda services: engine.reach())

    def run(*arguments: str, answer: str | None = None) -> Result:
        with capture_logs():
            return CliRunner().invoke(sync, list(arguments), obj=lambda: engine.services, input=answer)

    return run
