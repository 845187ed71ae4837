"""How Keycloak gets to know accounts that stand in Active Directory: asked for one by one, or all at once.

Twice 1,000 accounts are made in the directory by the worker. The first thousand come by a synchronisation of the whole
user federation, and are then looked up, as the worker needs each one's id all the same; of the second thousand each is
looked up by name, which imports it. The worker does the latter, so that has to be the better one.

Yardstick: the synchronisation and the look-ups after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.harness import finish, report, seconds
from bench.made_up_accounts import add_officials, homes, officials
from bench.push import settled
from bench.queue_watch import drained, keys_of, keys_of_agencies
from hufu_registry.accounts.model import Account
from hufu_registry.kernel.outbox import Target
from hufu_stack.demo import registry_of
from hufu_stack.environment import environment
from hufu_stack.keycloak import ADMIN
from hufu_stack.layout import Profile
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import Stack
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.keycloak_connection import KeycloakConnection

SIZE, PLACES = 1_000, 20


def settings_of(profile: Profile) -> SyncSettings:
    values = {name.removeprefix("HUFU_").lower(): value for name, value in environment(profile, "worker").items()}
    return SyncSettings.model_validate(values)


def look_up(settings: SyncSettings, accounts: Sequence[Account]) -> float:
    """Each account's user by its name, over as many connections as the worker has; seconds."""
    connections = [KeycloakConnection(settings.keycloak_settings()) for _ in range(settings.keycloak_lanes)]

    def share(nth: int) -> None:
        for account in accounts[nth :: len(connections)]:
            users = connections[nth].get("users", username=account.account_name, exact=True, briefRepresentation=False)
            if len(users) != 1:
                raise RuntimeError(f"Keycloak does not find {account.account_name}")

    with ThreadPoolExecutor(len(connections)) as pool:
        took = seconds(lambda: list(pool.map(share, range(len(connections)))))
    for connection in connections:
        connection.close()
    return took


class Federation:
    """Keycloak's own synchronisation, asked for by its administrator: our client may not."""

    def __init__(self, profile: Profile) -> None:
        self._url = profile.url("keycloak")
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": ADMIN,
            "password": read_secret(profile, "keycloak-admin-password"),
        }
        answer = requests.post(f"{self._url}/realms/master/protocol/openid-connect/token", data=form, timeout=30)
        answer.raise_for_status()
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        parts = self._session.get(
            f"{self._url}/admin/realms/hufu/components", params={"type": "org.keycloak.storage.UserStorageProvider"}
        )
        parts.raise_for_status()
        self._id = parts.json()[0]["id"]

    def sync(self) -> int:
        """How many users were new."""
        address = f"{self._url}/admin/realms/hufu/user-storage/{self._id}/sync"
        answer = self._session.post(address, params={"action": "triggerFullSync"}, timeout=300)
        answer.raise_for_status()
        return int(answer.json()["added"])


def main() -> bool:
    stack = Stack("bench")
    try:
        settled(stack)
        services = registry_of(stack.profile)
        settings = settings_of(stack.profile)
        accounts = list(officials(homes(services, PLACES), 2 * SIZE))
        add_officials(services, accounts)
        drained(services, keys_of_agencies(accounts, Target.AD))
        drained(services, keys_of(accounts[:SIZE], Target.AD))
        added: list[int] = []
        sync = seconds(lambda: added.append(Federation(stack.profile).sync()))
        if added[0] < SIZE:
            raise RuntimeError(f"{added[0]} of {SIZE} users came by the synchronisation")
        known = look_up(settings, accounts[:SIZE])
        drained(services, keys_of(accounts[SIZE:], Target.AD))
        new = look_up(settings, accounts[SIZE:])
        again = seconds(Federation(stack.profile).sync)
        services.engine.dispose()
    finally:
        stack.stop()
    figures = {
        "accounts": SIZE,
        "connections": settings.keycloak_lanes,
        "lookup_per_s": SIZE / new,
        "sync_alone_per_s": SIZE / sync,
        "lookup_of_known_per_s": SIZE / known,
        "sync_nothing_new_s": again,
        "yardstick_sync_and_lookup_per_s": SIZE / (sync + known),
        "times_the_yardstick": (sync + known) / new,
    }
    return report("import_by_sync", figures, {"times_the_yardstick": (">=", 1.0)})


if __name__ == "__main__":
    finish(met=main())
