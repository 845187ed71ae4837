"""One judge of texts: tidied, refused, folded, compared; whatever Unicode has, and whatever is pasted."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hufu_registry.accounts.model import ACCOUNT_NAME, EXTENSION, MOBILE, PHONE, Profile
from hufu_registry.agencies.model import NAME, OID
from hufu_registry.kernel import texts
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.texts import REASON, Text, folded, is_shown, narrow, tidy, words_of
from hufu_registry.people.model import CODE, MAILBOX
from tests.kit.accounts import an_application

KINDS = [NAME, OID, REASON, MAILBOX, CODE, ACCOUNT_NAME, PHONE, EXTENSION, MOBILE]
# What is found by it or not has no shape here.
SHAPED_ELSEWHERE = [OID, CODE]
ANY = st.text(st.characters(codec=None, exclude_categories=[]))
EVERY = [chr(number) for number in range(sys.maxunicode + 1)]
PROFILE = an_application().profile


def test_every_character_is_carried_whole_or_refused() -> None:
    """Within a name: what passes is what stays, but for the one form of what can be written in two ways."""
    lost = []
    for character in EVERY:
        cleaned = NAME.clean(f"王{character}明")
        passes = NAME.fault(cleaned) is None
        kept = unicodedata.normalize("NFC", f"王{character}明") if not character.isspace() else "王 明"
        if passes and cleaned != kept:
            lost.append(hex(ord(character)))
        if passes and unicodedata.category(character) in {"Cf", "Co", "Cs"}:
            lost.append(hex(ord(character)))
    assert lost == []


@pytest.mark.parametrize(
    "character",
    [
        "\x00", "\x1b", "\x7f", "\u00ad", "\u034f", "\u061c", "\u115f", "\u200b", "\u200d", "\u202e", "\u2066",
        "\u2800", "\u3164", "\ud800", "\ue001", "\ufdd0", "\uffa0", "\uffff", "\U000e0041", "\U000f0000",
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_refused_in_a_name(character: str) -> None:
    assert NAME.fault(NAME.clean(f"王{character}明")) == "control_character"


@pytest.mark.parametrize(
    "name",
    ["葛\ufe00", "葛\U000e0100飾", "𠀋𪚥", "\u0378王", "王\u2ffc明", "ᠠ᠋", "e\u0301", "יעל", "O’Brien", "❤\ufe0f"],
)
def test_what_can_be_seen_passes(name: str) -> None:
    assert NAME.checked(name, "name") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("name", ["\u0301", "\ufe00", "\ufe0f \u0301"])
def test_marks_that_nothing_bears_are_no_name(name: str) -> None:
    with pytest.raises(Invalid, match="name: nothing_to_see"):
        NAME.checked(name, "name")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_looks_at_what_is_too_long(kind: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    """75,000 combining marks take Unicode's normalisation half a minute."""
    monkeypatch.setattr(texts, "unicodedata", None)
    marks = "a" + "\u0301" * 75_000
    assert kind.clean(marks) == marks
    assert kind.fault(marks) == "too_long"


@given(ANY)
def test_what_is_kept_is_cleaned_already(text: str) -> None:
    for kind in KINDS:
        cleaned = kind.clean(text)
        if kind.fault(cleaned) is None and kind not in SHAPED_ELSEWHERE:
            assert kind.clean(cleaned) == cleaned
            assert cleaned.isprintable() or kind.tidied is tidy
            assert not set("\x00\n") & set(cleaned)
            cleaned.encode()


def test_folding_makes_spellings_of_one_word_the_same() -> None:
    assert folded("台北市") == folded("臺北市")
    assert folded("ＧＤＳ２０１９") == "gds2019"
    assert folded("Straße") == folded("STRASSE")
    assert {folded(f"阿貴{dot}乃萊") for dot in "‧·．・･•∙⋅‧."} == {"阿貴.乃萊"}


@given(ANY)
def test_folding_twice_is_folding_once_for_what_may_be_typed(text: str) -> None:
    for word in words_of(text):
        assert folded(word) == folded(folded(word)) or not word.isprintable()


def test_words_are_split_folded_and_few() -> None:
    assert words_of("  台中\u3000秘書室\t台中 ") == ("臺中", "秘書室")
    assert words_of(" \u3000 ") == ()
    assert len(words_of(" ".join(str(number) for number in range(50)))) == 8
    assert all(len(word) <= 200 for word in words_of("局" * 5_000))
    assert words_of("a\x00b \ud800c") == ("a", "b", "c")


@pytest.mark.parametrize(
    "pasted",
    [
        "0912-345-678", "+886 912 345 678", " 0912345678 ", "+886912345678", "+8860912345678", "886912345678",
        "+886 (0)912 345 678", "00886912345678", "(0912) 345–678", "0912‑345‑678", "０９１２３４５６７８", "＋８８６９１２３４５６７８",
        "\u202a0912345678\u202c", "\ufeff0912345678\u200b", "0912\u200b345678", "0912.345.678", "'0912345678",
        '="0912345678"', "“0912345678”", "0912\u00a0345\u00a0678", "0912\u00ad345678",
    ],
)  # fmt: skip
def test_a_mobile_is_kept_as_ten_digits(pasted: str) -> None:
    assert MOBILE.checked(pasted, "mobile") == "0912345678"


@pytest.mark.parametrize(
    ("pasted", "phone", "extension"),
    [
        ("02-81234567", "02-81234567", ""),
        ("(02)8123-4567", "(02)8123-4567", ""),
        ("（０２）８１２３－４５６７", "(02)8123-4567", ""),
        ("+886-2-8123-4567", "02-8123-4567", ""),
        ("+886 (0)2 8123 4567", "02 8123 4567", ""),
        ("886-2-81234567", "02-81234567", ""),
        ("(886)2-81234567", "02-81234567", ""),
        ("02—81234567", "02-81234567", ""),
        ("02-81234567轉123", "02-81234567", "123"),
        ("02-81234567 分機 123", "02-81234567", "123"),
        ("02-81234567#123", "02-81234567", "123"),
        ("02-81234567 ext. 123", "02-81234567", "123"),
        ("02-81234567＃１２３", "02-81234567", "123"),
        ("\u200e02-81234567\u200f", "02-81234567", ""),
        ("88612345", "88612345", ""),
    ],
)
def test_a_telephone_number_is_kept_as_it_is_dialled_here(pasted: str, phone: str, extension: str) -> None:
    profile = PROFILE.with_telephone(pasted).cleaned()
    assert (profile.phone, profile.extension) == (phone, extension)
    profile.check()


@pytest.mark.parametrize("pasted", ["123", "轉123", "#123", "分機 123", "１２３", "ext.123", " 123\u200b", "'123"])
def test_an_extension_is_its_digits(pasted: str) -> None:
    assert EXTENSION.checked(pasted, "extension") == "123"


@pytest.mark.parametrize(
    "pasted",
    [
        "2.16.886.101.20003", "'2.16.886.101.20003", "２．１６．８８６．１０１．２０００３", "2。16。886。101。20003",
        "2.16.886.101.20003\u200b", "\ufeff2.16.886.101.20003", ' "2.16.886.101.20003"', '="2.16.886.101.20003"',
        "2. 16. 886. 101. 20003", "2·16·886·101·20003",
    ],
)  # fmt: skip
def test_an_oid_is_digits_and_dots(pasted: str) -> None:
    assert OID.clean(pasted) == "2.16.886.101.20003"


@pytest.mark.parametrize(
    "pasted", ["123456", "123 456", "123-456", "１２３４５６", "123–456", "\u200b123456", " 1 2 3 4 5 6 "]
)
def test_a_code_is_taken_as_the_app_or_the_mail_shows_it(pasted: str) -> None:
    assert CODE.clean(pasted) == "123456"


@given(ANY)
def test_nothing_invisible_is_left_in_a_number(text: str) -> None:
    assert all(is_shown(character) or character.isspace() for character in narrow(text))


def test_every_text_of_a_profile_has_a_length() -> None:
    assert {declared.name for declared in fields(Profile) if "longest" not in declared.metadata} == {"unit_id"}
