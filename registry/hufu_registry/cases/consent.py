"""What an applicant agrees to: what becomes of his data (個人資料保護法第 8 條). A changed text gets a new version; a
case keeps the version it was sent with.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType

LANGUAGES = ("zh_Hant", "en")


@dataclass(frozen=True, slots=True)
class Consent:
    version: str
    paragraphs: MappingProxyType[str, tuple[str, ...]]

    def text(self, language: str) -> tuple[str, ...]:
        return self.paragraphs["en" if language.startswith("en") else "zh_Hant"]

    def or_own(self, own: str) -> Consent:
        """An agency's own text instead of the usual one, in the language in which it has it; its version is made of it,
        and the settings' rows keep what it says.
        """
        if not own or self is not CURRENT:
            return self
        paragraphs = tuple(part.strip() for part in re.split(r"\n\s*\n", own))
        version = f"own-{sha256(own.encode()).hexdigest()[:12]}"
        return Consent(version, MappingProxyType(dict.fromkeys(LANGUAGES, paragraphs)))


CURRENT = Consent(
    version="2026-11-27",
    paragraphs=MappingProxyType(
        {
            "zh_Hant": (
                "依個人資料保護法第 8 條第 1 項，告知您下列事項：",
                "一、蒐集機關：您申請帳號的機關。",
                "二、蒐集目的：公務帳號的申請、審核、啟用、管理與資通安全（人事管理、資通訊與資料庫管理、資通安全與管理）。",
                "三、資料類別：姓名、職稱、所屬機關與單位、聯絡電話、行動電話、備用信箱、公務信箱、帳號名稱，以及登入與異動紀錄。",
                "四、利用期間：您持有帳號的期間，以及帳號刪除後依法令應保存紀錄的期間。",
                "五、利用地區：中華民國境內。",
                "六、利用對象：您的機關、其上級機關與系統管理者；您登入的應用系統，只取得辨識您身分所需的資料。",
                "七、利用方式：以資訊系統處理，用於審核與管理帳號、提供登入，並以電子郵件通知您。",
                "八、您的權利：您可以查詢或閱覽、請求製給複製本、補充或更正，並請求停止蒐集、處理或利用，或刪除您的資料；依法令執行職務所必須者不在此限。審核之前，您可以自行修改或撤回申請。",
                "九、不提供的影響：您可以選擇是否提供；不提供時，無法受理您的申請。",
                "十、聯絡方式：行使權利或有疑問，請洽您機關的帳號管理者：還沒有帳號時，請機關總機轉接；登入後，首頁列有管理者的姓名與電話。",
            ),
            "en": (
                "As article 8 of the Personal Data Protection Act requires, we tell you:",
                "1. Who collects: the agency where you apply for an account.",
                (
                    "2. What for: to receive, review, activate and manage official accounts, and for information "
                    "security (personnel, information systems and databases, information security)."
                ),
                (
                    "3. Which data: name, title, agency and unit, telephone and mobile numbers, backup and official "
                    "mailbox, account name, and the records of sign-ins and changes."
                ),
                (
                    "4. How long: while you hold the account, and after its deletion for as long as the law requires "
                    "records to be kept."
                ),
                "5. Where: within the Republic of China (Taiwan).",
                (
                    "6. By whom: your agency, the agencies above it and the system managers. Applications you sign in "
                    "to receive only what they need to know who you are."
                ),
                (
                    "7. How: by information systems, to review and manage accounts, to let you sign in, and to tell "
                    "you by mail."
                ),
                (
                    "8. Your rights: you may look up your data, ask for a copy, add to or correct them, and ask that "
                    "they no longer be collected, processed or used, or that they be deleted, unless the law needs "
                    "them for an official duty. Until it is decided you can change or withdraw the application "
                    "yourself."
                ),
                "9. If you do not give them: you are free not to, but then we cannot accept the application.",
                (
                    "10. Whom to ask: the account manager of your agency. Until you have an account its switchboard "
                    "puts you through; after you sign in, name and telephone stand on your first page."
                ),
            ),
        }
    ),
)
