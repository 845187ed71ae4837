"""The pages of the help: both languages tell the same, what leads to them arrives, and they speak as the pages do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po
from markupsafe import Markup

from hufu_console.help.manual import FOLDER, Manual, Reader, manual, section
from hufu_console.web.language import LANGUAGES
from hufu_stack.layout import PROJECT

CONSOLE = FOLDER.parents[1]
CATALOG = CONSOLE / "translations" / "zh_Hant_TW" / "LC_MESSAGES" / "messages.po"
CHINESE, ENGLISH = LANGUAGES
EVERY_PAGE = [manual(reader, language) for reader in Reader for language in LANGUAGES]
NAMED = (
    re.compile(r"""help_link\(["']([a-z]+)["'], ["']([a-z-]+)["']\)"""),
    re.compile(r"""help=\(["']([a-z]+)["'], ["']([a-z-]+)["']\)"""),
)
LINK = re.compile(r'<a href="([a-z]*)#([a-z-]+)"')
BOLD = re.compile(r"<strong>(.*?)</strong>", re.DOTALL)
# What every task has; the words of other pages than ours.
OWN_WORDS = {
    "接著會看到", "做不到時", "接著", "What you see then:", "If it does not work", "If it does not work:", "Then",
    "請以它為鍵", "機關請以它為鍵", "key your data on it", "key agencies on it",
}  # fmt: skip


def name_of(page: Manual) -> str:
    return f"{page.reader} {page.title}"


def asked_for() -> Iterator[tuple[str, str]]:
    """The sections to which the console's pages lead."""
    for pattern in ("*.html", "*.py"):
        for path in sorted(CONSOLE.rglob(pattern)):
            text = path.read_text(encoding="utf-8")
            for named in NAMED:
                yield from named.findall(text)


def test_every_question_mark_leads_to_a_section_in_both_languages() -> None:
    found = set(asked_for())
    assert len(found) >= 20
    for reader, anchor in found:
        for language in LANGUAGES:
            assert manual(Reader(reader), language).section(anchor).title


@pytest.mark.parametrize("reader", Reader)
def test_both_languages_have_the_same_sections_pictures_and_steps(reader: Reader) -> None:
    chinese, english = (manual(reader, language) for language in (CHINESE, ENGLISH))
    for one, other in zip(chinese.sections, english.sections, strict=True):
        assert one.anchor == other.anchor
        for part in ("<li>", "<img", "<tr>", "<h3>"):
            assert one.body.count(part) == other.body.count(part), (one.anchor, part)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name_of)
def test_links_lead_to_a_section(page: Manual) -> None:
    language = CHINESE if page == manual(page.reader, CHINESE) else ENGLISH
    for each in page.sections:
        for other, anchor in LINK.findall(each.body):
            manual(Reader(other or page.reader), language).section(anchor)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name_of)
def test_an_anchor_stands_once_and_nothing_of_the_markup_is_left(page: Manual) -> None:
    anchors = [each.anchor for each in page.sections]
    assert len(anchors) == len(set(anchors))
    for each in page.sections:
        assert "**" not in each.body, each.anchor
        assert "{#" not in each.body, each.anchor


def test_a_heading_without_an_anchor_is_refused() -> None:
    with pytest.raises(ValueError, match="has no anchor"):
        section("Approve\nText")


def test_what_a_page_would_do_in_a_browser_is_text() -> None:
    body = section("Title {#title}\n<script>alert(1)</script> [x](javascript:alert(1))\n\n| a |\n|--:|\n| b |\n").body
    assert "<script" not in body
    assert 'href="javascript' not in body


def words_of_pages() -> dict[str, set[str]]:
    """What people can read on our pages, on Keycloak's and as a mail's name, by language."""
    with CATALOG.open("rb") as file:
        entries = [entry for entry in read_po(file) if entry.id]
    words: dict[str, set[str]] = {CHINESE: set(), ENGLISH: set()}
    for entry in entries:
        for language, said in ((ENGLISH, entry.id), (CHINESE, entry.string or "")):
            words[language] |= {said} if isinstance(said, str) else set(said)
    foreign = set()
    for path in (PROJECT / "keycloak-config" / "themes").rglob("messages_zh_TW.properties"):
        foreign |= {line.partition("=")[2] for line in path.read_text(encoding="utf-8").splitlines()}
    for path in (PROJECT / "registry").rglob("zh_Hant.txt"):
        foreign.add(path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("Title: "))
    return {language: said | foreign for language, said in words.items()}


def unknown(page: Manual, words: set[str]) -> list[str]:
    """What it prints in bold and stands nowhere, nor at the beginning of a text that says a value or more behind it."""
    said = [" ".join(text.split()) for each in page.sections for text in BOLD.findall(each.body)]
    return [text for text in said if text not in words | OWN_WORDS and not any(begins(text, word) for word in words)]


def begins(text: str, word: str) -> bool:
    return len(text) > 3 and word.startswith(text)


def test_a_bold_word_that_stands_on_no_page_is_found() -> None:
    page = Manual(
        Reader.MANAGER, "Title", Markup(), [section("Title {#title}\nPress **Approve it all** or **Approve**.")]
    )
    assert unknown(page, {"Approve"}) == ["Approve it all"]


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name_of)
def test_what_is_bold_stands_on_a_page(page: Manual) -> None:
    language = CHINESE if page == manual(page.reader, CHINESE) else ENGLISH
    assert unknown(page, words_of_pages()[language]) == []
