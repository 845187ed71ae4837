"""What an applicant agrees to. A changed text gets a new version; a case keeps the version it was sent with."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Consent:
    version: str
    paragraphs: MappingProxyType[str, tuple[str, ...]]

    def text(self, language: str) -> tuple[str, ...]:
        return self.paragraphs["en" if language.startswith("en") else "zh_Hant"]


CURRENT = Consent(
    version="2026-11",
    paragraphs=MappingProxyType(
        {
            "zh_Hant": (
                "本機關為辦理公務帳號之申請、審核與管理，蒐集您的姓名、職稱、所屬機關與單位、聯絡電話、行動電話及備用信箱。",
                "上述資料僅於您持有帳號期間及法定保存期限內，供您所屬機關、其上級機關及系統管理者於審核與管理帳號之範圍內利用；您登入之應用系統僅取得辨識您身分所需之資料。",
                "您可以查詢、更正您的資料，也可以在審核前撤回申請。不提供資料時，無法受理您的申請。",
                "我已詳細閱讀並同意服務條款與隱私權保護政策，並確認所填資料與證件相符。",
            ),
            "en": (
                (
                    "To receive, review and manage applications for official accounts, we collect your name, title, "
                    "agency and unit, telephone and mobile numbers and backup mailbox."
                ),
                (
                    "These data are used only while you hold the account and for as long as the law requires, by "
                    "your agency, the agencies above it and the system managers, to review and manage accounts. "
                    "Applications you sign in to receive only what they need to know who you are."
                ),
                (
                    "You may look up and correct your data, and withdraw the application until it is decided. "
                    "Without these data we cannot accept the application."
                ),
                (
                    "I have read and agree to the terms of service and the privacy policy, and confirm that what I "
                    "entered matches my documents."
                ),
            ),
        }
    ),
)
