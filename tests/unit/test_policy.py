"""Settings are declared once, each by the feature that owns it."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from datetime import timedelta

import pytest
from pydantic import ValidationError

from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.policy import Policy as Fixed
from hufu_registry.kernel.policy import Setting, changed, text_of
from hufu_registry.settings import RegistrySettings, names_of

DECLARED = [setting for feature in FEATURES for setting in feature.settings]
NUMBER = Setting("number", 5, 1, 20, per_agency=False)
DURATION = Setting("duration", timedelta(minutes=10), timedelta(minutes=1), timedelta(hours=1), per_agency=False)
WORDS = Setting("words", ("gov.tw",), None, None, per_agency=True)


def test_every_field_of_the_policy_is_declared_by_one_feature_or_fixed_at_the_start() -> None:
    declared = Counter(setting.key for setting in DECLARED)
    assert set(declared.values()) == {1}
    assert {one.name for one in fields(Policy)} == set(declared) | {one.name for one in fields(Fixed)}


@pytest.mark.parametrize("setting", DECLARED, ids=lambda setting: setting.key)
def test_each_default_lies_within_its_bounds_and_is_read_as_it_is_written(setting: Setting) -> None:
    assert setting.read(text_of(setting.default)) == setting.default
    if not isinstance(setting.default, tuple):
        assert setting.read(setting.lowest) <= setting.default <= setting.read(setting.highest)


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (NUMBER, " 20 ", 20),
        (DURATION, "60s", timedelta(minutes=1)),
        (DURATION, "1h", timedelta(hours=1)),
        (WORDS, "Gov.tw  example.org gov.tw", ("gov.tw", "example.org")),
        (WORDS, "", ()),
    ],
)
def test_a_value_is_read(setting: Setting, text: str, value: object) -> None:
    assert setting.read(text) == value


@pytest.mark.parametrize(
    ("setting", "text", "code"),
    [
        (NUMBER, "0", "setting_bounds"),
        (NUMBER, "21", "setting_bounds"),
        (NUMBER, "-1", "setting_shape"),
        (NUMBER, "1.5", "setting_shape"),
        (NUMBER, "٣", "setting_shape"),
        (NUMBER, "", "setting_shape"),
        (DURATION, "59s", "setting_bounds"),
        (DURATION, "61m", "setting_bounds"),
        (DURATION, "999999999d", "setting_bounds"),
        (DURATION, "10", "setting_shape"),
        (DURATION, "10 m", "setting_shape"),
        (DURATION, "10w", "setting_shape"),
    ],
)
def test_what_is_no_value_or_out_of_bounds_is_refused(setting: Setting, text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        setting.read(text)
    assert refused.value.fields == {"value": code}


@pytest.mark.parametrize(
    ("value", "text"),
    [(timedelta(0), "0d"), (timedelta(hours=48), "2d"), (timedelta(minutes=90), "90m"), (timedelta(seconds=61), "61s")],
)
def test_a_duration_is_written_in_the_largest_unit_that_fits(value: timedelta, text: str) -> None:
    assert text_of(value) == text


def test_a_stored_value_stays_readable_when_a_release_draws_the_bounds_closer() -> None:
    policy = changed(Policy(), DECLARED, {"code_tries": "999", "gone_with_an_older_release": "1"})
    assert policy.code_tries == 999
    assert policy.code_lifetime == Policy().code_lifetime


FOUND = dict.fromkeys(
    ("database_url", "database_password_file", "data_key_file", "index_key_file", "audit_key_file"), "x"
)


def started(**given: str) -> Policy:
    return RegistrySettings(**FOUND, console_url="x", **given).policy()  # type: ignore[arg-type]


def test_without_environment_each_setting_is_what_the_code_says() -> None:
    assert started(directory="none") == Policy(with_directory=False)


@pytest.mark.parametrize("setting", DECLARED, ids=lambda setting: setting.key)
def test_the_environment_gives_any_setting_another_default(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    text = setting.highest or "gov.example"
    monkeypatch.setenv(f"HUFU_{setting.key.upper()}", text)
    assert started() == changed(Policy(), [setting], {setting.key: text})
    monkeypatch.setenv(f"HUFU_{setting.key.upper()}", "")
    assert started() == Policy()


def test_a_default_that_breaks_its_bounds_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUFU_GUARD_AGENCY_PERCENT", "101")
    monkeypatch.setenv("HUFU_DELETION_WAIT", "30")
    with pytest.raises(ValidationError) as fault:
        started()
    assert names_of(fault.value) == "HUFU_GUARD_AGENCY_PERCENT, HUFU_DELETION_WAIT"
