"""Settings are declared once, each by the feature that owns it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields
from datetime import timedelta

import pytest
from pydantic import ValidationError

from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.policy import Policy as Fixed
from hufu_registry.kernel.policy import Setting, changed, text_of
from hufu_registry.settings import RegistrySettings, check_names, names_of
from hufu_stack.layout import PROJECT

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
    given = {setting.key: setting.highest or "gov.example"}
    given |= {above.key: above.highest for above in DECLARED if above.at_least == setting.key}
    for key, text in given.items():
        monkeypatch.setenv(f"HUFU_{key.upper()}", text)
    assert started() == changed(Policy(), DECLARED, given)
    for key in given:
        monkeypatch.setenv(f"HUFU_{key.upper()}", "")
    assert started() == Policy()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("com", "mail_domain_shape"),
        ("* . @ <b>", "mail_domain_shape"),
        ("gov.tw,edu.tw", "mail_domain_shape"),
        ("gov.tw\0", "mail_domain_shape"),
        ("-a.gov.tw", "mail_domain_shape"),
        ("a..gov.tw", "mail_domain_shape"),
        ("10.0.0.1", "mail_domain_shape"),
        (f"{'a' * 64}.gov.tw", "mail_domain_shape"),
        ("agency.gov.tw com.tw", "mail_domain_anybodys"),
        (" ".join(f"a{number}.gov.tw" for number in range(51)), "mail_domains_many"),
    ],
)
def test_official_mail_domains_are_names_an_agency_may_own(text: str, code: str) -> None:
    domains = next(setting for setting in DECLARED if setting.key == "official_mail_domains")
    assert domains.read("agency.gov.tw xn--kpry57d.tw") == ("agency.gov.tw", "xn--kpry57d.tw")
    with pytest.raises(Invalid) as refused:
        domains.read(text)
    assert refused.value.fields == {"value": code}


def test_a_default_may_not_be_less_than_another_that_it_may_not_be_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUFU_SESSION_MAX", "10m")
    with pytest.raises(ValidationError) as fault:
        started()
    assert names_of(fault.value) == "HUFU_SESSION_MAX may not be less than HUFU_SESSION_IDLE"
    monkeypatch.setenv("HUFU_SESSION_IDLE", "5m")
    assert started().session_max == timedelta(minutes=10)


def test_a_variable_that_was_renamed_is_not_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUFU_DELETION_WAIT_DAYS", "60")
    with pytest.raises(ValidationError) as fault:
        started()
    assert names_of(fault.value) == "HUFU_DELETION_WAIT_DAYS is not read; is HUFU_DELETION_WAIT meant?"


def test_no_variable_of_the_house_is_taken_for_a_mistyped_setting() -> None:
    given = set(re.findall(r"HUFU_[A-Z_]+", (PROJECT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert len(given) > len(DECLARED)
    check_names(given)


def test_a_default_that_breaks_its_bounds_is_named_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUFU_GUARD_AGENCY_PERCENT", "101")
    monkeypatch.setenv("HUFU_DELETION_WAIT", "30")
    with pytest.raises(ValidationError) as fault:
        started()
    assert names_of(fault.value) == "HUFU_GUARD_AGENCY_PERCENT, HUFU_DELETION_WAIT"
