"""The realm as data: what is read, what differs, what shows."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hufu_realm import command
from hufu_realm.command import DATA, main
from hufu_realm.data import BadDataError, UndefinedError, read
from hufu_realm.difference import HIDDEN, digest, memory_key, plan, with_memory
from hufu_realm.model import MASK, Action, Body, Desired, Json, Kind, Name, Observed, Part, Secret, Seen
from hufu_stack.layout import PROJECT
from hufu_sync.settings import SyncSettings

SECRETS = (
    "HUFU_CONSOLE_CLIENT_SECRET_FILE",
    "HUFU_SYNC_CLIENT_SECRET_FILE",
    "HUFU_SAMPLE_CLIENT_SECRET_FILE",
    "HUFU_INTEGRATOR_CLIENT_SECRET_FILE",
    "HUFU_LDAP_KEYCLOAK_PASSWORD_FILE",
)


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    for name in SECRETS:
        (tmp_path / name).write_text(f"word of {name}\n")
    return {name: str(tmp_path / name) for name in SECRETS} | {
        "HUFU_DIRECTORY": "ad",
        "HUFU_CONSOLE_URL": "http://localhost:1",
        "HUFU_SAMPLE_URL": "http://localhost:2",
        "HUFU_INTEGRATOR_FIRST_PORT": "9280",
        "HUFU_LDAP_URL": "ldaps://127.0.0.1:636",
        "HUFU_LDAP_KEYCLOAK_BIND_DN": "CN=hufu-keycloak",
        "HUFU_LDAP_BASE_DN": "OU=Hufu,DC=agency,DC=test",
        "HUFU_SMTP_HOST": "127.0.0.1",
        "HUFU_SMTP_PORT": "25",
        "HUFU_MAIL_FROM": "hufu@agency.test",
    }


def shown(value: Json) -> Json:
    """A value as the server would answer it."""
    if isinstance(value, Secret):
        return HIDDEN
    return answered(value) if isinstance(value, dict) else value


def answered(body: Body) -> Body:
    return {key: shown(value) for key, value in body.items()}


def as_observed(desired: Desired) -> Observed:
    seen = (Seen(part.name, answered(part.body)) for part in with_memory(desired).parts)
    # Client secrets can be read back, so the server shows them.
    plain = {part.name: part.body for part in desired.parts if part.name.kind is Kind.CLIENT}
    parts = {one.name: one for one in seen}
    for name, body in plain.items():
        clear: Body = {key: value.value if isinstance(value, Secret) else value for key, value in body.items()}
        parts[name] = Seen(name, clear)
    return Observed(exists=True, parts=parts)


def one(kind: Kind, body: Body, key: str = "it") -> Desired:
    return Desired("r", (Part(Name(kind, key), body),))


def seen(kind: Kind, body: Body, key: str = "it") -> Observed:
    return Observed(exists=True, parts={Name(kind, key): Seen(Name(kind, key), body, "id")})


def test_our_data_can_be_read_and_agrees_with_itself(variables: dict[str, str]) -> None:
    desired = read(DATA, variables, "hufu")
    assert {part.name.kind for part in desired.parts} == set(Kind) - {Kind.MEMORY}
    assert plan(desired, as_observed(desired)) == ()


def test_keycloak_gives_a_mail_up_before_the_worker_gives_keycloak_up(variables: dict[str, str]) -> None:
    (mail,) = (part.body["smtpServer"] for part in read(DATA, variables, "hufu").parts if "smtpServer" in part.body)
    assert isinstance(mail, dict)
    waits = [mail[name] for name in ("connectionTimeout", "timeout", "writeTimeout")]
    assert sum(int(str(wait)) for wait in waits) < SyncSettings.model_fields["call_seconds"].default * 1000


def test_every_undefined_variable_is_told_at_once(variables: dict[str, str]) -> None:
    for name in ("HUFU_SMTP_HOST", "HUFU_LDAP_URL", "HUFU_SYNC_CLIENT_SECRET_FILE"):
        del variables[name]
    with pytest.raises(UndefinedError) as problem:
        read(DATA, variables, "hufu")
    assert problem.value.names == {"HUFU_SMTP_HOST", "HUFU_LDAP_URL", "HUFU_SYNC_CLIENT_SECRET_FILE"}


def test_an_undefined_variable_stops_apply_before_the_server_is_asked(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        pytest.fail("the server was asked")

    monkeypatch.setattr(command, "Server", never)
    (tmp_path / "admin").write_text("word")
    variables |= {
        "HUFU_KEYCLOAK_URL": "http://localhost:1",
        "HUFU_KEYCLOAK_ADMIN": "admin",
        "HUFU_KEYCLOAK_ADMIN_PASSWORD_FILE": str(tmp_path / "admin"),
        "HUFU_MAIL_FROM": "",
    }
    answer = CliRunner().invoke(main, ["apply"], env=variables)
    assert answer.exit_code == 1
    assert "undefined: HUFU_MAIL_FROM" in answer.output


def test_without_a_directory_none_is_configured(variables: dict[str, str]) -> None:
    parts = read(DATA, variables | {"HUFU_DIRECTORY": "none"}, "hufu").parts
    assert not any(part.name.key == "hufu-directory" or part.name.owner == "hufu-directory" for part in parts)


def test_production_has_no_try_out_clients(variables: dict[str, str]) -> None:
    del variables["HUFU_SAMPLE_URL"], variables["HUFU_INTEGRATOR_FIRST_PORT"]
    clients = {part.name.key for part in read(DATA, variables, "hufu").parts if part.name.kind is Kind.CLIENT}
    brought_by_keycloak = {"account", "account-console", "admin-cli", "broker", "security-admin-console"}
    assert clients == {"hufu-console", "hufu-sync", "hufu-links"} | brought_by_keycloak


def test_every_application_of_ours_has_a_name_in_both_languages(variables: dict[str, str]) -> None:
    """People read it in the list of their sign-ins, never the client's id."""
    parts = read(DATA, variables, "hufu").parts
    texts = [part.body for part in parts if part.name.kind is Kind.TEXTS]
    signed_in_to = [part for part in parts if part.body.get("standardFlowEnabled")]
    assert len(signed_in_to) == 3
    for part in signed_in_to:
        key = str(part.body["name"]).removeprefix("${").removesuffix("}")
        assert all(words.get(key) for words in texts), part.name


def test_the_sign_in_pages_bear_the_console_s_mark() -> None:
    ours = PROJECT / "admin-ui" / "hufu_console" / "static" / "mark.svg"
    assert (
        DATA.parent / "themes" / "hufu" / "login" / "resources" / "img" / "mark.svg"
    ).read_text() == ours.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: nonsense", "known kind"),
        ("kind: [", "while parsing"),
        ("just text", "known kind"),
        ("kind: realm\nbody: [1]", "must be a mapping"),
    ],
)
def test_bad_data_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(BadDataError, match=message):
        read(tmp_path, {}, "r")


def test_defaults_escapes_and_empty_secret_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: realm\nbody: {a: '${A:-x} $${B}', c: '${file:C}'}")
    (tmp_path / "c").write_text(" \n")
    with pytest.raises(BadDataError, match="C: its file is empty"):
        read(tmp_path, {"C": str(tmp_path / "c")}, "r")
    (tmp_path / "c").write_text("word\n")
    (part,) = read(tmp_path, {"C": str(tmp_path / "c")}, "r").parts
    assert part.body == {"a": "x ${B}", "c": Secret("word")}


def test_only_fields_we_name_count() -> None:
    desired = one(Kind.CLIENT, {"enabled": True, "attributes": {"a": "1"}, "redirectUris": ["x", "y"]})
    there: Body = {"enabled": True, "attributes": {"a": "1", "b": "2"}, "redirectUris": ["y", "x"], "more": 1}
    assert plan(desired, seen(Kind.CLIENT, there)) == ()


def test_a_difference_names_its_field() -> None:
    (step,) = plan(
        one(Kind.CLIENT, {"attributes": {"a": "1"}}), seen(Kind.CLIENT, {"attributes": {"a": "2"}, "id": "x"})
    )
    assert step.action is Action.CHANGE
    assert [(c.path, c.before, c.after) for c in step.changes] == [("attributes.a", "2", "1")]


def test_what_we_did_not_make_stays_but_not_in_what_is_wholly_ours() -> None:
    ours, foreign = Name(Kind.SCOPE_MAPPER, "leak", "hufu"), Name(Kind.SCOPE_MAPPER, "leak", "theirs")
    desired = Desired("r", (), frozenset({(Kind.SCOPE_MAPPER, "hufu")}))
    observed = Observed(
        exists=True, parts={name: Seen(name, {}) for name in (ours, foreign, Name(Kind.CLIENT_SCOPE, "theirs"))}
    )
    assert [(step.action, step.name) for step in plan(desired, observed)] == [(Action.REMOVE, ours)]


def test_a_step_too_many_in_a_flow_is_a_difference() -> None:
    desired = one(Kind.FLOW, {"steps": {"1 auth-otp-form": {"requirement": "REQUIRED"}}})
    there: Body = {"steps": {"1 auth-otp-form": {"requirement": "REQUIRED"}, "2 allow": {"requirement": "REQUIRED"}}}
    (step,) = plan(desired, seen(Kind.FLOW, there))
    assert step.changes[0].path == "steps.2 allow"


def test_what_stands_beside_the_version_of_a_flow_is_a_difference() -> None:
    desired = one(Kind.FLOW, {"steps": {}, "beside": []})
    assert plan(desired, seen(Kind.FLOW, {"steps": {}, "beside": []})) == ()
    (step,) = plan(desired, seen(Kind.FLOW, {"steps": {}, "beside": ["it B"]}))
    assert [change.path for change in step.changes] == ["beside"]


def test_secrets_never_show() -> None:
    word = Secret("the-word")
    assert "the-word" not in repr(word) + str(word)
    desired = one(Kind.CLIENT, {"secret": word})
    for observed in (Observed(), seen(Kind.CLIENT, {"secret": "older-word"})):
        (step,) = plan(desired, observed)
        assert "word" not in str(step.changes)
        assert step.changes[-1].after == MASK


def test_a_hidden_secret_is_silent_until_it_changes() -> None:
    name = Name(Kind.COMPONENT, "it")
    key = memory_key(name, "config.bindCredential")
    for word, expected in (("same", 0), ("rotated", 2)):
        desired = one(Kind.COMPONENT, {"config": {"bindCredential": Secret(word)}})
        observed = Observed(
            exists=True,
            parts={
                name: Seen(name, {"config": {"bindCredential": HIDDEN}}),
                Name(Kind.MEMORY, ""): Seen(Name(Kind.MEMORY, ""), {key: digest(Secret("same"), key)}),
            },
        )
        steps = plan(desired, observed)
        assert len(steps) == expected
        assert "rotated" not in str(steps[0].changes if steps else "")


def test_a_missing_realm_comes_first() -> None:
    desired = Desired("r", (Part(Name(Kind.CLIENT, "c"), {}), Part(Name(Kind.REALM, ""), {"enabled": True})))
    assert [step.name.kind for step in plan(desired, Observed())] == [Kind.REALM, Kind.CLIENT]
