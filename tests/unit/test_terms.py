"""One thing, one name: what our people were trained on, in Taiwan's words, and none of the variants."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from hufu_stack.layout import PROJECT

CONSOLE = PROJECT / "admin-ui" / "hufu_console"
CATALOG = CONSOLE / "translations" / "zh_Hant_TW" / "LC_MESSAGES" / "messages.po"
# The term, and what nobody may write for it.
TERMS = {
    "帳號": ("账号", "帐号", "賬號", "賬戶"),
    "登入": ("登录", "登錄"),
    "使用者": ("用戶", "用户"),
    "設定": ("設置", "设置"),
    "預設": ("默認", "默认"),
    "資訊、訊息": ("信息",),
    "網路": ("網絡", "网络"),
    "軟體": ("軟件", "软件"),
    "檔案、資料夾": ("文件夾", "文件夹"),
    "螢幕": ("屏幕",),
    "伺服器": ("服務器", "服务器"),
    "支援": ("支持",),
    "品質": ("質量",),
    "影片": ("視頻", "视频"),
    "連結": ("鏈接", "链接"),
    "啟用連結、啟用信": ("啟動連結", "啟動信", "激活"),
    "案號": ("案件編號", "案件號碼"),
    "垃圾信件匣": ("垃圾郵件", "垃圾信箱", "垃圾桶"),
    "待放行異動": ("保留異動", "保留的異動", "保留中的異動"),
    "駁回": ("退件", "退回申請"),
    "改隸": ("改屬",),
    "裁撤": ("撤銷機關",),
    "審核者": ("審批", "審核員"),
    "同步紀錄": ("同步記錄", "執行紀錄"),
    "應用系統": ("客戶端",),
}
# The same in English, in whole words.
ENGLISH_TERMS = {
    "Enabled": ("switched on", "activated accounts", "turned on"),
    "Disabled": ("switched off", "deactivated", "turned off"),
    "Changes on hold": ("held set", "held sets", "held change", "held changes"),
    "Resume": ("let it go on", "lets it go on", "unpause"),
    "How it works": ("how it goes", "way of working"),
    "Requested": ("asked for by", "wanted since", "wanted by"),
    "Needs attention": ("needs a person", "need a person", "for a person"),
    "Created": ("made in", "made at", "made anew in"),
}


def sentences() -> Iterator[tuple[str, str]]:
    """Everything that people read in Chinese: where it stands, and what it says."""
    with CATALOG.open("rb") as catalog:
        for message in read_po(catalog):
            forms = message.string or ""
            for said in [forms] if isinstance(forms, str) else forms:
                yield str(message.id), said
    for folder, pattern in (
        (PROJECT / "registry", "zh_Hant.*"),
        (PROJECT / "keycloak-config", "messages_zh*.properties"),
        (CONSOLE / "help", "*.zh_Hant_TW.md"),
    ):
        for path in sorted(folder.rglob(pattern)):
            if path.is_file():
                yield str(path.relative_to(PROJECT)), path.read_text(encoding="utf-8")


def english_sentences() -> Iterator[tuple[str, str]]:
    """What people read in English: the messages, the mails, Keycloak's pages, the help."""
    with CATALOG.open("rb") as catalog:
        for message in read_po(catalog):
            for said in message.id if isinstance(message.id, tuple) else (message.id,):
                yield str(message.id), str(said)
    for folder, pattern in (
        (PROJECT / "registry", "en.txt"),
        (PROJECT / "registry", "en.html"),
        (PROJECT / "keycloak-config", "messages_en.properties"),
        (CONSOLE / "help", "*.en.md"),
    ):
        for path in sorted(folder.rglob(pattern)):
            yield str(path.relative_to(PROJECT)), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("term", TERMS)
def test_a_thing_has_one_name(term: str) -> None:
    wrong = "|".join(map(re.escape, TERMS[term]))
    assert [where for where, said in sentences() if re.search(wrong, said)] == []


@pytest.mark.parametrize("term", ENGLISH_TERMS)
def test_a_thing_has_one_name_in_english(term: str) -> None:
    wrong = re.compile("|".join(rf"\b{re.escape(variant)}\b" for variant in ENGLISH_TERMS[term]), re.IGNORECASE)
    assert [(where, found[0]) for where, said in english_sentences() if (found := wrong.search(said))] == []


def test_a_percent_sign_stands_right_behind_its_number() -> None:
    assert [where for where, said in sentences() if re.search(r"\d +%", said)] == []
