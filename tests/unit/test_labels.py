"""Every code that a page can show has its word, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hufu_console import urls
from hufu_console.web.feature import compose
from hufu_registry.accounts.model import AccountState, DisableCause, Profile
from hufu_registry.agencies.model import AgencyKind
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.features import FEATURES
from hufu_registry.guard.model import ChangeKind, HeldState
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.propagation.model import ActionKind
from hufu_registry.sync.events import IN_TARGETS
from hufu_registry.sync.model import (
    MISSING,
    STRAY,
    Code,
    ErrorClass,
    RunCause,
    RunKind,
    SignInBar,
    SignInState,
    WorkState,
)
from hufu_registry.sync.model.desired import DirectorySchema, KeycloakSchema
from hufu_registry.sync.model.plan import ASPECTS
from hufu_registry.sync.model.work import StepName, StepState

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "admin-ui" / "hufu_console"
TRANSLATIONS = CONSOLE / "translations"
LANGUAGES = ("en", "zh_Hant_TW")


def declared(attribute: str) -> set[str]:
    return {name for feature in FEATURES for one in getattr(feature, attribute) for name in [one.kind]}


def fields_of_targets() -> set[str]:
    schemas = (DirectorySchema("agency.test"), KeycloakSchema(with_directory=False))
    kept = {name for schema in schemas for names in schema.fields.values() for name in names}
    return kept | ASPECTS | {MISSING, STRAY, "@mark"}


def fields_of_cases() -> set[str]:
    """Those of every type; a further one is the type's own."""
    shown = {one.name for one in fields(Profile) if "shown" in one.metadata}
    return shown | {"account_name", "agency", "agency_id", "mailbox"}


def sign_in_events() -> set[str]:
    """What the realm has Keycloak keep; a refusal is told by its error, whatever it is of."""
    realm, *_ = yaml.safe_load_all((ROOT / "keycloak-config" / "realm" / "10-realm.yaml").read_text())
    return {name for name in realm["body"]["enabledEventTypes"] if not name.endswith("_ERROR")}


STEPS = {"create", "rename", "place", "leave", "set_fields", "enable", "disable", "delete", "adopt"}
# The macros that say a code in words, and every code there is for each.
WORDS: Mapping[tuple[str, str], Iterable[str]] = {
    ("accounts", "account_word"): AccountState,
    ("accounts", "sign_in_word"): SignInState,
    ("accounts", "step_title"): StepName,
    ("sync", "code_words"): Code,
    ("accounts", "event_word"): sign_in_events(),
    ("agencies", "kind_word"): AgencyKind,
    ("cases", "case_word"): [*CaseState, "all"],
    ("cases", "field_word"): fields_of_cases(),
    ("guard", "held_word"): declared("commands"),
    ("guard", "state_word"): [*HeldState, "all"],
    ("guard", "change_word"): ChangeKind,
    ("sync", "target_word"): Target,
    ("sync", "bar_words"): SignInBar,
    ("sync", "object_word"): Kind,
    ("sync", "work_word"): WorkState,
    ("sync", "class_words"): ErrorClass,
    ("sync", "run_word"): RunKind,
    ("sync", "step_done_word"): STEPS | set(ActionKind),
    ("sync", "planned_step_word"): STEPS,
    ("sync", "field_word"): fields_of_targets(),
}
# Those that take more than a code.
OTHERS: Mapping[tuple[str, str], Iterable[tuple[Any, ...]]] = {
    ("accounts", "step_word"): [
        (SimpleNamespace(step=SimpleNamespace(value=step), state=SimpleNamespace(value=state)),)
        for step in StepName
        for state in StepState
    ],
    ("sync", "cause_words"): [(SimpleNamespace(cause=cause),) for cause in {*RunCause, *declared("commands")}],
}
# They have no words of their own: a colour, a part of a page, a value as it is.
NO_WORDS = {
    "account_state", "sign_in_state", "step_kind", "event_kind", "act_kind", "case_state", "held_state", "value_word", "title_of",
    "work_state", "next_try", "health", "run_state", "refused_fields", "bars",
}  # fmt: skip
CASES = [(key, (code,)) for key, codes in WORDS.items() for code in sorted(codes)] + [
    (key, values) for key, several in OTHERS.items() for values in several
]


def pages(language: str) -> Environment:
    """The templates as the console has them, where a code without a word is an error."""
    composed = compose(urls.FEATURES)
    found = Environment(
        loader=FileSystemLoader(CONSOLE / "templates"), undefined=StrictUndefined, extensions=["jinja2.ext.i18n"],
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.install_gettext_translations(  # type: ignore[attr-defined]
        Translations.load(TRANSLATIONS, [language]), newstyle=True
    )
    found.filters["notice_title"] = str
    found.filters["moment"] = str
    found.globals.update(composed.template_values)
    found.globals["label"] = lambda words, code: words[code]
    found.globals["declared_label"] = lambda kind, code: composed.labels[kind][code]
    return found


PAGES = {language: pages(language) for language in LANGUAGES}


def said(language: str, feature: str, macro: str, values: tuple[Any, ...]) -> str:
    module = PAGES[language].get_template(f"{feature}/_labels.html").module
    given = (*values, "") if macro == "event_word" else values
    return re.sub(r"<[^>]+>", "", Markup(getattr(module, macro)(*given))).strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_word(language: str) -> None:
    for (feature, macro), values in CASES:
        word = said(language, feature, macro, values)
        assert word, (feature, macro, values)
        assert word != values[0], (feature, macro, values)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_of_a_type_of_case_has_its_word(language: str) -> None:
    for kind in [kind for feature in FEATURES for kind in feature.case_types]:
        page = PAGES[language].get_template(f"cases/types/{kind.name}.html").module
        own = getattr(page, "field_word", lambda _field: "")
        for name in {one.name for one in fields(kind.form)} - {"profile"}:
            assert str(own(name)).strip() or said(language, "cases", "field_word", (name,)), (kind.name, name)


@pytest.mark.parametrize(
    ("type_", "error", "sign"),
    [
        ("LOGIN", "", "good"),
        ("LOGIN_ERROR", "invalid_user_credentials", "refused"),
        ("UPDATE_TOTP_ERROR", "invalid_code", "waiting"),
        ("USER_DISABLED_BY_TEMPORARY_LOCKOUT", "", "refused"),
        ("USER_DISABLED_BY_PERMANENT_LOCKOUT", "", "refused"),
    ],
)
def test_a_sign_in_event_has_its_sign(type_: str, error: str, sign: str) -> None:
    module: Any = PAGES["en"].get_template("accounts/_labels.html").module
    assert module.event_kind(type_, error).strip() == sign


def test_every_macro_of_words_is_walked() -> None:
    for path in sorted((CONSOLE / "templates").glob("*/_labels.html")):
        macros = set(re.findall(r"{% macro (\w+)", path.read_text())) - NO_WORDS
        walked = {macro for feature, macro in {*WORDS, *OTHERS} if feature == path.parent.name}
        assert macros == walked, path


def test_no_label_falls_back_on_its_code() -> None:
    """What has no word goes through `label`, which is an error in tests and a neutral word at work."""
    for path in (CONSOLE / "templates").rglob("*.html"):
        assert not re.search(r"\.get\((\w+), \1\)", path.read_text()), path


def test_whatever_hangs_on_an_agency_has_its_word() -> None:
    hanging = {dependent.name for feature in FEATURES for dependent in feature.dependents}
    assert hanging | {"children"} == set(compose(urls.FEATURES).labels["dependent"])


@pytest.mark.parametrize("about", ["account", "agency", "case", "drift", "grant", "work"])
def test_every_event_of_a_timeline_has_its_word(about: str) -> None:
    unseen = IN_TARGETS if about == "account" else ()
    recorded = {event for feature in FEATURES for event in feature.events if event.startswith(f"{about}.")}
    assert recorded - {*unseen}
    words = {event for event in compose(urls.FEATURES).labels["event"] if event.startswith(f"{about}.")}
    assert recorded - {*unseen} == words


def test_a_colour_is_that_of_an_event() -> None:
    labels = compose(urls.FEATURES).labels
    assert set(labels["event_tag"]) <= set(labels["event"])


@pytest.mark.parametrize(("kind", "codes"), [("role", Role), ("disable_cause", DisableCause)])
def test_every_code_of_a_record_has_its_word(kind: str, codes: Iterable[str]) -> None:
    assert set(compose(urls.FEATURES).labels[kind]) == {*codes}
