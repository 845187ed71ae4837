"""The console's catalogs, words, dates, tables and copied files."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel

from hufu_console import urls
from hufu_console.web.failures import STATUS, status_of
from hufu_console.web.feature import compose
from hufu_console.web.moments import exact, moment
from hufu_console.web.roc_field import read_day
from hufu_registry.kernel.errors import HufuError
from hufu_registry.propagation.model import ActionKind

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "admin-ui" / "hufu_console"
CATALOG = CONSOLE / "translations" / "zh_Hant_TW" / "LC_MESSAGES" / "messages.po"
# The mainland's words and simplified forms for things that Taiwan calls otherwise.
FOREIGN = [
    "登录",
    "账号",
    "帐号",
    "用户",
    "設置",
    "设置",
    "默認",
    "默认",
    "信息",
    "網絡",
    "网络",
    "軟件",
    "软件",
    "文件夾",
    "文件夹",
    "服務器",
    "服务器",
    "質量",
    "视频",
    "視頻",
    "鏈接",
    "链接",
    "保存",
    "菜單",
    "点击",
    "點擊",
    "屏幕",
    "鼠標",
    "程序",
    "激活",
    "登陸",
]
HAN_NEXT_TO_LATIN = re.compile(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")


def messages() -> set[str]:
    found = extract_from_dir(
        CONSOLE,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
        options_map={"templates/**.html": {"silent": "false"}},
    )
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def chinese() -> dict[str, str]:
    with CATALOG.open("rb") as file:
        catalog = read_po(file, locale="zh_Hant_TW")
    return {
        (entry.id if isinstance(entry.id, str) else entry.id[0]): (
            entry.string if isinstance(entry.string, str) else (entry.string or ("",))[0]
        )
        for entry in catalog
        if entry.id
    }


def test_every_message_is_in_chinese_and_none_is_left_over() -> None:
    known = {message for message, text in chinese().items() if text}
    assert messages() == known


def test_the_compiled_catalog_is_of_today() -> None:
    with CATALOG.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    for message, text in chinese().items():
        found = compiled.get(message)
        assert found is not None, message
        assert text in (found.string if isinstance(found.string, (tuple, list)) else (found.string,))


@pytest.mark.parametrize("word", FOREIGN)
def test_words_are_taiwans(word: str) -> None:
    assert [text for text in chinese().values() if word in text] == []


def test_placeholders_are_the_same_in_both_languages() -> None:
    placeholder = re.compile(r"%\((\w+)\)s")
    for message, text in chinese().items():
        assert set(placeholder.findall(text)) <= set(placeholder.findall(message)), message


def test_a_space_stands_between_han_and_latin() -> None:
    for text in chinese().values():
        plain = re.sub(r"%\(\w+\)s", "", text)
        assert not HAN_NEXT_TO_LATIN.search(plain), text


def test_full_width_punctuation_in_chinese() -> None:
    for text in chinese().values():
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", text), text


def test_every_rule_the_registry_names_has_a_sentence() -> None:
    """So that nobody reads a code."""
    source = "\n".join(path.read_text() for path in (ROOT / "registry" / "hufu_registry").rglob("*.py"))
    raised = set(re.findall(r"(?:NotFound|Denied|IllegalMove|Conflict|RateLimited)\(\s*\"(\w+)\"", source))
    not_for_pages = {"import_closes_too_many", "system_manager_exists", "tree_cycle", "setting"}
    assert raised - not_for_pages - set(compose(urls.FEATURES).sentences) == set()


def test_every_kind_of_error_has_its_status() -> None:
    kinds = [kind for kind in HufuError.__subclasses__() if kind.__module__.startswith("hufu_registry.kernel")]
    assert {kind.__name__: status_of(kind("x")) for kind in kinds} == {
        "NotFound": 404,
        "Denied": 403,
        "IllegalMove": 409,
        "Conflict": 409,
        "RateLimited": 429,
        "Invalid": 422,
    }
    assert set(kinds) <= set(STATUS)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("115-11-21", date(2026, 11, 21)),
        ("115/1/2", date(2026, 1, 2)),
        ("民國 115 年 11 月 21 日", date(2026, 11, 21)),
        ("2026-11-21", date(2026, 11, 21)),
        ("115-02-30", None),
        ("115-13-01", None),
        ("soon", None),
        ("", None),
        ("0-0-0", None),
        ("99999-1-1", None),
        ("1151121", date(2026, 11, 21)),
        ("20261121", date(2026, 11, 21)),
        ("１１５１１２１", date(2026, 11, 21)),
        ("\u202a115–11–21\u202c", date(2026, 11, 21)),
        ("'115/11/21", date(2026, 11, 21)),
        ("１１５年１１月２１日", date(2026, 11, 21)),
        ("1151321", None),
        ("115112", None),
        ("115.11.21 " + " " * 75_000 + "x", None),
    ],
)
def test_days_are_read_as_people_write_them(text: str, day: date | None) -> None:
    assert read_day(text) == day


def test_moments_are_shown_in_taipei() -> None:
    assert exact(datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)) == "2026-11-21 14:05"
    assert exact(datetime(2026, 11, 21, 18, 5, 9, tzinfo=UTC), seconds=True) == "2026-11-22 02:05:09"
    assert exact(None) == ""


@pytest.mark.parametrize(("language", "said"), [("zh_Hant_TW", "115-11-22 02:05"), ("en", "2026-11-22 02:05")])
def test_what_people_read_counts_the_years_as_they_do(language: str, said: str) -> None:
    app = Flask(__name__)
    with app.test_request_context(f"/?language={language}"):
        assert moment(datetime(2026, 11, 21, 18, 5, 9, tzinfo=UTC)) == said
        assert moment(None) == ""


@pytest.mark.parametrize(
    ("copy", "origin"),
    [
        ("bootstrap.min.css", "bootstrap/dist/css/bootstrap.min.css"),
        ("bootstrap.LICENSE", "bootstrap/LICENSE"),
        ("htmx.min.js", "htmx.org/dist/htmx.min.js"),
        ("htmx.LICENSE", "htmx.org/LICENSE"),
    ],
)
def test_copied_files_are_those_of_the_locked_packages(copy: str, origin: str) -> None:
    assert (CONSOLE / "static" / "vendor" / copy).read_bytes() == (ROOT / "node_modules" / origin).read_bytes()


def test_the_npm_lock_names_no_hosts() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not any("resolved" in package for package in lock["packages"].values())


def test_templates_carry_no_style_and_no_code() -> None:
    for path in (CONSOLE / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son\w+=|\|safe|hx-on", text), path


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_states_stand_out_from_the_paper(scheme: int) -> None:
    css = (CONSOLE / "static" / "tokens.css").read_text()
    colours = {
        name: pair[scheme]
        for name, *pair in re.findall(r"--hf-([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    }
    for ground in ("paper", "shade"):
        for name in ("ink", "quiet", "act", "waiting", "good", "refused", "off"):
            lighter, darker = sorted((luminance(colours[ground]), luminance(colours[name])), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (name, ground)


def test_whoever_has_to_wait_reads_how_long() -> None:
    """Each refusal that time alone lifts names the seconds, or the moment."""
    sources = [path.read_text() for folder in ("registry", "admin-ui") for path in (ROOT / folder).rglob("*.py")]
    raised = {code for source in sources for code in re.findall(r'raise RateLimited\(f?"([^"]+)"', source)}
    kinds = [kind.value for kind in (ActionKind.ACTIVATION_MAIL, ActionKind.OTP_MAIL)]
    codes = {code.replace("{kind.value}", kind) for code in raised for kind in kinds}
    assert {"too_often", "otp_mails_used_up", "codes_used_up"} <= codes
    app = Flask(__name__)
    Babel(app)
    composed = compose(urls.FEATURES)
    with app.test_request_context():
        for code in codes:
            known = composed.sentences[code]
            context = {"seconds": 4321, "at": datetime(2026, 11, 21, 6, 5, tzinfo=UTC)}
            said = str(known(context)) if callable(known) else str(known) % context
            assert "4321" in said or "11-21 14:05" in said, (code, said)
