"""Who stands in the pages of the synchronisation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official


@pytest.fixture
def other_system_manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[0], "sysmanager2", role=Role.SYSTEM_MANAGER)


@pytest.fixture
def manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[2], "manager1", role=Role.AGENCY_MANAGER, with_subordinates=True)


@pytest.fixture
def wang(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[3], "wangxm")


@pytest.fixture
def pair(services: SqlServices, chain: Sequence[Agency]) -> list[Account]:
    return [official(services, chain[3], name) for name in ("losera", "loserb")]
