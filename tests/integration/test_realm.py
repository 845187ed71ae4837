"""hufu-realm on a real Keycloak, in a scratch realm beside the stack's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hufu_realm import flow
from hufu_realm.difference import plan
from hufu_realm.model import Kind
from hufu_realm.observe import observe
from hufu_realm.server import segment
from hufu_stack.server import base_environment
from hufu_stack.stack import Stack
from tests.kit.realms import ScratchRealm, scratch_realm

HUFU_REALM = str(Path(sys.executable).parent / "hufu-realm")


@pytest.fixture(scope="module", params=["ad", "none"])
def realm(stack: Stack, request: pytest.FixtureRequest) -> Iterator[ScratchRealm]:
    with scratch_realm(stack, request.param) as made:
        yield made


def command(realm: ScratchRealm, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUFU_REALM, name],
        env=base_environment() | realm.variables | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def differences(realm: ScratchRealm) -> set[tuple[Kind, str, str]]:
    desired = realm.desired()
    steps = plan(desired, observe(realm.server(), desired))
    return {(step.name.kind, step.name.owner, step.name.key) for step in steps}


def test_a_second_apply_writes_nothing(realm: ScratchRealm) -> None:
    server = realm.server()
    events = len(server.get("/admin-events", max="1000"))
    assert realm.apply() == (0, 0)
    assert len(server.get("/admin-events", max="1000")) == events
    again = command(realm, "apply")
    assert (again.returncode, again.stdout) == (0, f"realm {realm.name}: 0 steps done, 0 writes\n")


def test_what_it_did_not_make_stays(realm: ScratchRealm) -> None:
    server = realm.server()
    server.post("/groups", {"name": "theirs"})
    server.post("/users", {"username": "theirs"})
    server.post("/clients", {"clientId": "theirs"})
    server.post("/client-scopes", {"name": "theirs", "protocol": "openid-connect"})
    server.post("/authentication/flows", {"alias": "theirs", "providerId": "basic-flow", "topLevel": True})
    server.post("/roles", {"name": "theirs"})
    server.put("", {**server.get(""), "otpPolicyDigits": 8})
    assert realm.apply()[0] == 1
    assert [one["name"] for one in server.get("/groups", search="theirs")] == ["theirs"]
    assert server.get("/users", username="theirs", exact="true")
    assert server.get("/clients", clientId="theirs")
    assert "theirs" in {one["name"] for one in server.get("/client-scopes")}
    assert "theirs" in {one["alias"] for one in server.get("/authentication/flows")}
    assert server.get("/roles/theirs")


def test_drift_is_listed_and_mended(realm: ScratchRealm) -> None:
    server = realm.server()
    server.put("", {"failureFactor": 50, "bruteForceProtected": False})
    scopes = {one["name"]: one for one in server.get("/client-scopes")}
    mappers = {one["name"]: one for one in scopes["hufu"]["protocolMappers"]}
    path = f"/client-scopes/{scopes['hufu']['id']}/protocol-mappers/models"
    server.delete(f"{path}/{mappers['title']['id']}")
    leak = {**mappers["email"], "id": None, "name": "leak", "config": {"user.attribute": "email"}}
    server.post(path, {key: value for key, value in leak.items() if value is not None})
    flow = "/authentication/flows/hufu%20browser/executions"
    otp = next(one for one in server.get(flow) if one.get("providerId") == "auth-otp-form")
    server.put(flow, {**otp, "requirement": "DISABLED"})
    expected = {
        (Kind.REALM, "", ""),
        (Kind.SCOPE_MAPPER, "hufu", "title"),
        (Kind.SCOPE_MAPPER, "hufu", "leak"),
        (Kind.FLOW, "", "hufu browser"),
    }
    assert differences(realm) == expected
    drift = command(realm, "drift")
    assert drift.returncode == 2
    assert "failureFactor: 50 → 5" in drift.stdout
    assert "auth-otp-form.requirement: DISABLED → REQUIRED" in drift.stdout
    assert "- scope_mapper hufu / leak" in drift.stdout
    realm.apply()
    assert differences(realm) == set()
    assert command(realm, "drift").returncode == 0


def test_a_flow_of_another_shape_is_built_anew(realm: ScratchRealm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "LEFT_TO_FINISH", 0)
    server = realm.server()
    path = "/authentication/flows/hufu%20browser/executions"
    version = server.get(path)[0]
    for inside in ("hufu browser", version["displayName"]):
        server.post(f"/authentication/flows/{segment(inside)}/executions/execution", {"provider": "auth-spnego"})
        assert differences(realm) == {(Kind.FLOW, "", "hufu browser")}
        realm.apply()
        assert differences(realm) == set()
    server.put(path, {**server.get(path)[0], "requirement": "REQUIRED"})
    assert differences(realm) == {(Kind.FLOW, "", "hufu browser")}
    realm.apply()
    assert differences(realm) == set()
    assert server.get("")["browserFlow"] == "hufu browser"


def test_a_rotated_secret_is_written_once_and_never_shown(realm: ScratchRealm, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("rotated-word-of-the-console")
    rotated = {"HUFU_CONSOLE_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    planned, applied, again = (command(realm, name, **rotated) for name in ("plan", "apply", "apply"))
    assert "~ client hufu-console\n    secret: ******** → ********" in planned.stdout
    assert "1 steps done" in applied.stdout
    assert "0 steps done, 0 writes" in again.stdout
    assert "rotated-word" not in planned.stdout + applied.stdout + planned.stderr + applied.stderr
    realm.apply()


def test_an_undefined_variable_is_an_error_before_the_first_write(stack: Stack) -> None:
    with scratch_realm(stack, "none", applied=False) as realm:
        answer = command(realm, "apply", HUFU_MAIL_FROM="", HUFU_SMTP_HOST="")
        assert answer.returncode == 1
        assert "undefined: HUFU_MAIL_FROM, HUFU_SMTP_HOST" in answer.stderr
        assert realm.server().get_or_none("") is None


def test_the_worker_has_the_least_roles(realm: ScratchRealm) -> None:
    """It manages people and groups and reads events; it changes neither realm nor clients."""
    server = realm.server()
    (worker,) = server.get("/clients", clientId="hufu-sync")
    user = server.get(f"/clients/{worker['id']}/service-account-user")
    held = server.get(f"/users/{user['id']}/role-mappings")["clientMappings"]["realm-management"]["mappings"]
    assert {role["name"] for role in held} == {
        "manage-users",
        "view-users",
        "query-users",
        "query-groups",
        "view-events",
    }


def test_keys_are_long_and_ours_signs(realm: ScratchRealm) -> None:
    keys = realm.server().get("/keys")
    active = next(one for one in keys["keys"] if one["kid"] == keys["active"]["RS256"])
    assert len(active["publicKey"]) > 500  # base64 of 3072 bits and their frame
    assert active["providerPriority"] == 200


def test_a_wrong_administrator_is_told_plainly(realm: ScratchRealm, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("wrong-word")
    answer = command(realm, "plan", HUFU_KEYCLOAK_ADMIN_PASSWORD_FILE=str(tmp_path / "wrong"))
    assert answer.returncode == 1
    assert "wrong-word" not in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_server_that_is_not_there_is_told_plainly(realm: ScratchRealm) -> None:
    answer = command(realm, "drift", HUFU_KEYCLOAK_URL="http://127.0.0.1:1")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
