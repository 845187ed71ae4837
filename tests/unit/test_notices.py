"""The words of every feature's notices, what they are made of, and what people typed in them."""

from __future__ import annotations

import string
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from uuid import UUID
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hufu_registry
from hufu_registry.features import FEATURES
from hufu_registry.kernel.feature import AttachmentType, NoticeType
from hufu_registry.notices.model import Mail, Notice
from hufu_registry.notices.rendering import DIGEST, FORMATS, LANGUAGES, NoticeFaults, NoticeTemplates, Unrenderable

TEMPLATES = NoticeTemplates.of(FEATURES)
TYPES = {notice.name: notice for feature in FEATURES for notice in feature.notices if notice is not DIGEST}
LOCALES = ("zh_Hant_TW", "en", "fr")
HOSTILE = '<b onclick="x">{{ 7 * 7 }}</b>\r\nBcc: all@home.test\n\n\u202egnp.exe\u2066\u200f\x00\x1b{name}\''


def a_notice(template: str, locale: str = "zh_Hant_TW", /, **changes: str) -> Notice:
    values = {key: str(value) for key, value in TYPES[template].sample.items()} | changes
    return Notice(UUID(int=1), template, locale, "x@example.org", values)


def rendered(*notices: Notice) -> Mail:
    return TEMPLATES.render(notices, console_url="https://id.test/")


class Page(HTMLParser):
    """The tags that stand open, where its links go, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str | None] = []
        self.language: str | None = None
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        self.language = dict(attrs)["lang"] if tag == "html" else self.language
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def every_notice() -> list[tuple[str, str]]:
    return list(product(TYPES, LOCALES))


@pytest.mark.parametrize(("name", "locale"), every_notice())
def test_every_notice_has_words_in_every_language(name: str, locale: str) -> None:
    mail = rendered(a_notice(name, locale))
    assert mail.subject
    assert "\n" not in mail.subject
    assert str(TYPES[name].sample.get("name", "王小明")) not in mail.subject
    assert "{" not in mail.text + mail.html
    assert "https://id.test" in mail.text
    # English has no Chinese in it but for what people typed.
    rest = mail.subject + mail.text
    for value in TYPES[name].sample.values():
        rest = rest.replace(str(value), "")
    assert any("\u4e00" <= one <= "\u9fff" for one in rest) == (locale != "en")
    assert TEMPLATES.title(name, locale) not in ("", name)


@pytest.mark.parametrize(("name", "locale"), every_notice())
def test_the_html_is_whole_and_says_what_the_text_says(name: str, locale: str) -> None:
    mail = rendered(a_notice(name, locale))
    page = Page(mail.html)
    assert page.open == []
    assert page.language == ("en" if locale == "en" else "zh-Hant-TW")
    assert page.seen <= {
        *["html", "head", "meta", "title", "body", "div", "p", "a", "br", "table", "tr", "th", "td", "h1", "h2"]
    }
    assert page.links
    assert all(link and link.startswith("https://id.test") for link in page.links)
    for link in page.links:
        assert str(link) in mail.text
    for value in a_notice(name).values.values():
        for line in value.split("\n"):
            assert (line in mail.text) == (line in page.text or any(line in str(link) for link in page.links))


def test_no_template_is_left_over_and_none_is_missing() -> None:
    house = Path(hufu_registry.__file__).parent
    declared = {
        house.joinpath(*one.package.split(".")[1:], one.name, f"{language}.{kind}")
        for one in TYPES.values()
        for language in LANGUAGES
        for kind in (*FORMATS, *(attachment.filename for attachment in one.attachments))
    }
    assert set(house.glob("*/notices/*/*.*")) - set(house.glob("*/notices/*/*.pyc")) == declared


def test_the_package_carries_every_template(tmp_path: Path) -> None:
    registry = Path(hufu_registry.__file__).parents[1]
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=registry, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    found = {
        path.relative_to(registry).as_posix() for kind in FORMATS for path in registry.rglob(f"notices/*/**/*.{kind}")
    }
    assert len(found) > len(TYPES) * len(LANGUAGES) * len(FORMATS)
    assert found - set(ZipFile(wheel).namelist()) == set()


@pytest.mark.parametrize(("name", "locale"), every_notice())
def test_what_people_typed_is_only_text(name: str, locale: str) -> None:
    mail = rendered(a_notice(name, locale, **dict.fromkeys(TYPES[name].sample, HOSTILE)))
    assert len(mail.subject.splitlines()) == 1
    page = Page(mail.html)
    assert page.open == []
    assert "b" not in page.seen
    assert "onclick" not in page.attributes
    for text in (mail.subject, mail.text, mail.html):
        assert not set(text) & set("\u202e\u2066\u200f\x00\x1b\r")
        assert "49" not in text


def test_only_what_is_written_in_lines_keeps_them() -> None:
    mail = rendered(a_notice("case_rejected", name="王\n\n— 假的署名", reason="一\r\n二"))
    assert mail.text.startswith("王  — 假的署名 您好：")
    assert "原因：一\n二\n" in mail.text
    assert "一<br>二" in mail.html


@given(st.sampled_from(sorted(TYPES)), st.text(alphabet=string.printable, max_size=40))
def test_what_people_typed_never_becomes_a_header_or_a_template(name: str, typed: str) -> None:
    changes = {key: typed for key in ("name", "reason") if key in TYPES[name].sample}
    mail = rendered(a_notice(name, "en", **changes))
    assert len(mail.subject.splitlines()) == 1
    assert Page(mail.html).open == []


def test_several_notices_make_one_mail() -> None:
    first = a_notice("case_waiting", number="115000001")
    second = a_notice("case_waiting", number="115000002", agency="<i>部</i>\n\u202e")
    mail = rendered(first, second)
    assert mail.subject == "您有 2 則通知"
    page = Page(mail.html)
    assert page.open == []
    assert "i" not in page.seen
    for number in ("115000001", "115000002"):
        assert f"有一件帳號申請待審核（案號 {number}）" in mail.text
        assert f"有一件帳號申請待審核（案號 {number}）" in page.text
    # Greeting and request stand as often as there are notices, the layout once.
    assert (mail.text.count("請登入後審核"), mail.text.count("請勿直接回覆")) == (2, 1)
    assert "\n    案號：115000001\n" in mail.text


@pytest.fixture
def a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mails_of_a_test" / "hello"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    for language in LANGUAGES:
        (folder / f"{language}.txt").write_text("Title: Hello\nSubject: Hello {{ name }}\n\nHello {{ name }}\n")
        (folder / f"{language}.html").write_text("<p>Hello {{ name }}</p>\n")
        (folder / f"{language}.booking.ics").write_text("SUMMARY:{{ name }} ({{ console_url }})\n")
    return folder


def hello(name: str = "hello", sample: Mapping[str, object] | None = None) -> NoticeType:
    attachments = (AttachmentType("booking.ics", "text/calendar"),)
    return NoticeType(name, "mails_of_a_test", {"name": "Wang"} if sample is None else sample, attachments)


def test_an_attachment_is_a_template_too(a_package: Path) -> None:
    templates = NoticeTemplates([hello()])
    notice = Notice(UUID(int=1), "hello", "en", "x@example.org", {"name": "a\nATTENDEE:b"})
    (attachment,) = templates.render([notice], console_url="https://id.test").attachments
    assert (attachment.filename, attachment.media_type) == ("booking.ics", "text/calendar")
    assert attachment.content == b"SUMMARY:a ATTENDEE:b (https://id.test)"


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("en.txt", None, "hello/en.txt: no such file"),
        ("zh_Hant.html", None, "hello/zh_Hant.html: no such file"),
        ("en.booking.ics", None, "hello/en.booking.ics: no such file"),
        ("en.txt", "Hello\n\nHello", "hello/en.txt: does not begin with Title, Subject and an empty line"),
        ("en.txt", "Title: T\nSubject: {{ nmae }}\n\nHello", "hello/en.subject: nmae is not declared"),
        ("en.html", "<p>{{ nmae }}</p>", "hello/en.html: nmae is not declared"),
        ("en.html", "<p>{% if name %}</p>", "hello/en.html: Unexpected end of template."),
        ("en.html", "<p>{{ name|nice }}</p>", "hello/en.html: No filter named 'nice'."),
    ],
)
def test_a_faulty_template_is_found_at_start(a_package: Path, file: str, text: str | None, fault: str) -> None:
    if text is None:
        (a_package / file).unlink()
    else:
        (a_package / file).write_text(text)
    with pytest.raises(NoticeFaults) as caught:
        NoticeTemplates([hello()])
    assert any(one.startswith(fault) for one in caught.value.faults), caught.value.faults


def test_what_is_joined_carries_no_attachments_and_waits_an_hour_at_most(a_package: Path) -> None:
    with pytest.raises(NoticeFaults) as caught:
        NoticeTemplates([replace(hello(), digest_wait=timedelta(hours=2))])
    assert caught.value.faults == (
        "hello: a digest carries no attachments",
        "hello: waits for others longer than an hour",
    )


def test_a_name_is_declared_once(a_package: Path) -> None:
    with pytest.raises(NoticeFaults) as caught:
        NoticeTemplates([hello(), hello(sample={"name": "", "other": ""})])
    assert caught.value.faults == ("hello: declared twice",)


def test_a_stored_notice_that_has_no_template_any_more_or_other_values_is_told_apart() -> None:
    with pytest.raises(Unrenderable):
        rendered(Notice(UUID(int=1), "gone", "en", "x@example.org", {}))
    with pytest.raises(Unrenderable):
        rendered(Notice(UUID(int=1), "case_received", "en", "x@example.org", {"number": "1"}))
