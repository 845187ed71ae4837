"""The words of every notice, in Chinese and in English. A notice says what happened and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hufu_registry.notices.model import Mail, Notice, Template

ENGLISH = "en"
CHINESE = "zh_Hant_TW"


@dataclass(frozen=True, slots=True)
class Text:
    """`subject` never names a person: it shows on locked screens."""

    subject: str
    body: str


FOOTER = MappingProxyType(
    {
        CHINESE: "\n\n—\n公務帳號服務　{console_url}\n這封信由系統自動寄出，請勿直接回覆。",
        ENGLISH: "\n\n--\nGovernment Account Service  {console_url}\nThis mail was sent automatically; please do not reply.",
    }
)

TEXTS: Mapping[Template, Mapping[str, Text]] = MappingProxyType(
    {
        Template.MAILBOX_CODE: {
            CHINESE: Text(
                "信箱驗證碼 {code}",
                "您好：\n\n您的信箱驗證碼是\n\n    {code}\n\n請在 {minutes} 分鐘內，回到您索取驗證碼的那個瀏覽器視窗輸入。\n"
                "請勿將驗證碼告訴任何人，我們的同仁不會向您索取。\n\n如果不是您本人操作，不必理會這封信。",
            ),
            ENGLISH: Text(
                "Mailbox verification code {code}",
                "Hello,\n\nyour verification code is\n\n    {code}\n\nEnter it within {minutes} minutes in the browser"
                " window in which you asked for it.\nDo not tell it to anyone; our staff will never ask for it.\n\n"
                "If this was not you, you can ignore this mail.",
            ),
        },
        Template.CASE_RECEIVED: {
            CHINESE: Text(
                "已收到您的帳號申請（案號 {number}）",
                "{name} 您好：\n\n我們已收到您的公務帳號申請。\n\n    案號：{number}\n    機關：{agency}\n"
                "    申請的帳號名稱：{account_name}\n\n接下來由機關管理者審核，結果會寄到這個信箱。\n"
                "審核之前，您可以查看、修改或撤回申請：\n{console_url}/follow",
            ),
            ENGLISH: Text(
                "We received your application (case {number})",
                "Dear {name},\n\nwe received your application for a government account.\n\n    Case: {number}\n"
                "    Agency: {agency}\n    Account name wished: {account_name}\n\nThe agency's manager decides next, and the"
                " result comes to this mailbox.\nUntil then you can look at, change or withdraw it:\n{console_url}/follow",
            ),
        },
        Template.CASE_APPROVED: {
            CHINESE: Text(
                "您的帳號申請已通過（案號 {number}）",
                "{name} 您好：\n\n您的公務帳號申請已通過。\n\n    案號：{number}\n    機關：{agency}\n    帳號名稱：{account_name}\n\n"
                "您會另外收到一封信，內有啟用帳號的連結；請在 7 天內點選，設定密碼與一次性密碼。\n\n"
                "沒有收到，或連結已經過期？請在這裡重新寄送：\n{console_url}/activation",
            ),
            ENGLISH: Text(
                "Your application was approved (case {number})",
                "Dear {name},\n\nyour application for a government account was approved.\n\n    Case: {number}\n"
                "    Agency: {agency}\n    Account name: {account_name}\n\nAnother mail brings the link that activates your"
                " account. Follow it within 7 days to set your password and your one-time password.\n\n"
                "It did not come, or the link has expired? Ask for a new one here:\n{console_url}/activation",
            ),
        },
        Template.CASE_REJECTED: {
            CHINESE: Text(
                "您的帳號申請未通過（案號 {number}）",
                "{name} 您好：\n\n您的公務帳號申請未通過。\n\n    案號：{number}\n    機關：{agency}\n    原因：{reason}\n\n"
                "您可以依照原因調整後重新申請：\n{console_url}/apply\n\n如果對結果有疑問，請洽您機關的帳號管理者。",
            ),
            ENGLISH: Text(
                "Your application was not approved (case {number})",
                "Dear {name},\n\nyour application for a government account was not approved.\n\n    Case: {number}\n"
                "    Agency: {agency}\n    Reason: {reason}\n\nYou can apply again with this in mind:\n{console_url}/apply\n\n"
                "If you have questions about the decision, please ask the account manager of your agency.",
            ),
        },
        Template.CASE_WITHDRAWN: {
            CHINESE: Text(
                "您已撤回帳號申請（案號 {number}）",
                "{name} 您好：\n\n您已撤回公務帳號申請（案號 {number}），我們不會再處理，申請的帳號名稱也已釋出。\n\n"
                "日後需要時，可以重新申請：\n{console_url}/apply\n\n如果不是您本人撤回，請洽您機關的帳號管理者。",
            ),
            ENGLISH: Text(
                "You withdrew your application (case {number})",
                "Dear {name},\n\nyou withdrew your application for a government account (case {number}). Nothing more happens"
                " with it, and the account name is free again.\n\nYou can apply again whenever you need to:\n"
                "{console_url}/apply\n\nIf it was not you who withdrew it, please tell the account manager of your agency.",
            ),
        },
        Template.NAME_COLLISION: {
            CHINESE: Text(
                "請為您的帳號選擇另一個名稱（案號 {number}）",
                "{name} 您好：\n\n您的公務帳號申請（案號 {number}）已通過，但建立帳號時發現，名稱「{account_name}」在目錄中已經有人使用。"
                "那個帳號沒有受到任何影響，您的帳號則還沒有建立。\n\n請驗證這個信箱後選擇另一個名稱，不需要重新申請：\n"
                "{console_url}/follow",
            ),
            ENGLISH: Text(
                "Please choose another account name (case {number})",
                "Dear {name},\n\nyour application (case {number}) was approved, but when your account was to be made, the name"
                " “{account_name}” turned out to be in use in the directory. That account was not touched, and yours does not"
                " exist yet.\n\nVerify this mailbox and choose another name; you need not apply again:\n{console_url}/follow",
            ),
        },
        Template.CASE_WAITING: {
            CHINESE: Text(
                "有一件帳號申請待審核（案號 {number}）",
                "您好：\n\n有一件公務帳號申請等待您審核。\n\n    案號：{number}\n    機關：{agency}\n\n"
                "請登入後審核：\n{console_url}/cases/{case_id}",
            ),
            ENGLISH: Text(
                "An application waits for your decision (case {number})",
                "Hello,\n\nan application for a government account waits for your decision.\n\n    Case: {number}\n"
                "    Agency: {agency}\n\nSign in to decide:\n{console_url}/cases/{case_id}",
            ),
        },
    }
)


def render(notice: Notice, *, console_url: str) -> Mail:
    """The mail of a notice. A language we do not have is answered in Chinese."""
    language = ENGLISH if notice.language.startswith(ENGLISH) else CHINESE
    text = TEXTS[notice.template][language]
    values = {**notice.values, "console_url": console_url.rstrip("/")}
    subject = " ".join(text.subject.format_map(values).split())
    return Mail(notice.recipient, subject, (text.body + FOOTER[language]).format_map(values) + "\n")
