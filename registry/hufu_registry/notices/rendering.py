"""Every feature's notices as templates: all of them read and checked at once, so that none fails when it is sent.

A notice's text begins with two lines of header, `Title:`, what the console calls the notice, and `Subject:`. What
people typed is one line of visible characters wherever a template puts it; only `|lines` keeps its line breaks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

import jinja2
from jinja2 import meta
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from hufu_registry.kernel.feature import Feature, NoticeType
from hufu_registry.kernel.texts import isolated
from hufu_registry.notices.model import Attachment, Mail, Notice

ENGLISH = "en"
CHINESE = "zh_Hant"
LANGUAGES = (CHINESE, ENGLISH)
FORMATS = ("txt", "html")
HEADERS = ("Title", "Subject")
# What the layout says besides the notice, and the parts that its HTML is made of.
COMMON = frozenset({"console_url", "parts"})

# The queue takes what waits much longer for a clock's fault.
LONGEST_WAIT = timedelta(hours=1)

LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls, and the marks that turn the direction of what follows.
INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class NoticeFaults(Exception):  # noqa: N818 - a list of faults, not one error
    """What is wrong with the templates: each names its notice and file."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class Unrenderable(Exception):  # noqa: N818 - a kind of answer, not a Python suffix
    """A stored notice whose template is gone, or wants other values by now."""


class Lines(str):
    """Text whose line breaks stay."""

    __slots__ = ()


def language_of(locale: str) -> str:
    """A language we do not have is answered in Chinese."""
    return ENGLISH if locale.startswith(ENGLISH) else CHINESE


def visible(text: str) -> str:
    return INVISIBLE.sub("", text)


def one_line(value: object) -> object:
    """What every `{{ }}` goes through."""
    return value if isinstance(value, (Markup, Lines)) else isolated(LINE_BREAK.sub(" ", visible(str(value))))


@jinja2.pass_eval_context
def lines(context: EvalContext, value: str) -> Lines | Markup:
    """For what people wrote in more than one line."""
    parts = [isolated(line) for line in LINE_BREAK.split(visible(value))]
    return Markup("<br>").join(escape(line) for line in parts) if context.autoescape else Lines("\n".join(parts))


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice in the words of its templates, without the layout round it."""

    subject: str
    text: Lines
    html: Markup


DIGEST = NoticeType(
    "digest", "hufu_registry.notices", {"entries": (Entry("Subject", Lines("Text"), Markup("<p>Text</p>")),) * 2}
)


class NoticeTemplates:
    def __init__(self, types: Iterable[NoticeType]) -> None:
        """Raises NoticeFaults."""
        notice_types = tuple(types)
        self._sources = _Sources()
        self._environment = jinja2.Environment(
            loader=jinja2.DictLoader(self._sources.templates),
            autoescape=jinja2.select_autoescape(("html",), default=False),
            undefined=jinja2.StrictUndefined,
            finalize=one_line,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["lines"] = lines
        self._types: Mapping[str, NoticeType] = MappingProxyType(
            {notice_type.name: notice_type for notice_type in notice_types}
        )
        layout = files("hufu_registry.notices") / "layout"
        self._sources.read(layout / "parts.html", "parts.html")
        for language in LANGUAGES:
            for kind in FORMATS:
                self._sources.read(layout / f"{language}.{kind}", f"layout/{language}.{kind}")
        faults = [
            f"{name}: declared twice"
            for name, count in Counter(notice_type.name for notice_type in notice_types).items()
            if count > 1
        ]
        for notice in notice_types:
            self._sources.read_notice(notice)
        faults += [
            *self._sources.faults,
            *(fault for notice_type in notice_types for fault in self._faults(notice_type)),
        ]
        if faults:
            raise NoticeFaults(faults)
        self._environment.globals["parts"] = self._environment.get_template("parts.html").module

    @classmethod
    def of(cls, features: Iterable[Feature]) -> NoticeTemplates:
        return cls(notice for feature in features for notice in feature.notices)

    def title(self, name: str, locale: str) -> str:
        """What the console calls the notice."""
        return self._sources.titles.get((name, language_of(locale)), name)

    def render(self, notices: Sequence[Notice], *, console_url: str) -> Mail:
        """One mail of these notices to one mailbox in one language. Raises Unrenderable."""
        for notice in notices:
            if not self.fits(notice):
                raise Unrenderable(notice.template)
        first, language = notices[0], language_of(notices[0].language)
        common = {"console_url": console_url.rstrip("/")}
        if len(notices) == 1:
            return self._mail(self._types[first.template], language, first.recipient, {**first.values, **common})
        entries = [
            self._entry(self._types[notice.template], language, {**notice.values, **common}) for notice in notices
        ]
        return self._mail(DIGEST, language, first.recipient, {"entries": entries, **common})

    def fits(self, notice: Notice) -> bool:
        """Whether its template is still there and wants no other values."""
        known = self._types.get(notice.template)
        return known is not None and notice.values.keys() >= known.sample.keys()

    def _mail(self, notice: NoticeType, language: str, recipient: str, values: Mapping[str, object]) -> Mail:
        entry = self._entry(notice, language, values)
        attachments = tuple(
            Attachment(
                attachment.filename,
                attachment.media_type,
                self._rendered(f"{notice.name}/{language}.{attachment.filename}", values).encode(),
            )
            for attachment in notice.attachments
        )
        layout = f"layout/{language}"
        return Mail(
            recipient,
            entry.subject,
            self._rendered(f"{layout}.txt", {**values, "content": entry.text}) + "\n",
            self._rendered(f"{layout}.html", {**values, "content": entry.html, "subject": entry.subject}),
            attachments,
        )

    def _entry(self, notice: NoticeType, language: str, values: Mapping[str, object]) -> Entry:
        place = f"{notice.name}/{language}"
        subject = " ".join(self._rendered(f"{place}.subject", values).split())
        html = Markup(self._rendered(f"{place}.html", values))  # noqa: S704 - our template's, escaped there
        return Entry(subject, Lines(self._rendered(f"{place}.txt", values)), html)

    def _rendered(self, name: str, values: Mapping[str, object]) -> str:
        return self._environment.get_template(name).render(values)

    def _faults(self, notice: NoticeType) -> Iterable[str]:
        """What its templates ask for without its being declared."""
        if notice.digest_wait is not None and notice.attachments:
            yield f"{notice.name}: a digest carries no attachments"
        if notice.digest_wait is not None and notice.digest_wait > LONGEST_WAIT:
            yield f"{notice.name}: waits for others longer than an hour"
        for name, source in self._sources.templates.items():
            if name.startswith(f"{notice.name}/"):
                try:
                    self._environment.compile(source, name)
                    used = meta.find_undeclared_variables(self._environment.parse(source, name))
                except jinja2.TemplateError as error:
                    yield f"{name}: {error}"
                else:
                    yield from (
                        f"{name}: {used_name} is not declared"
                        for used_name in sorted(used - notice.sample.keys() - COMMON)
                    )


class _Sources:
    """The files' texts by their template's name, the notices' titles, and what was not as it should be."""

    def __init__(self) -> None:
        self.templates: dict[str, str] = {}
        self.titles: dict[tuple[str, str], str] = {}
        self.faults: list[str] = []

    def read(self, file: Traversable, name: str) -> str:
        try:
            text = file.read_text(encoding="utf-8")
        except OSError:
            self.faults.append(f"{name}: no such file")
            text = ""
        self.templates[name] = text.rstrip("\n")
        return text

    def read_notice(self, notice: NoticeType) -> None:
        folder = files(notice.package) / notice.name
        for language in LANGUAGES:
            for name in (*FORMATS, *(attachment.filename for attachment in notice.attachments)):
                self.read(folder / f"{language}.{name}", f"{notice.name}/{language}.{name}")
            self._split(notice.name, language)

    def _split(self, name: str, language: str) -> None:
        place = f"{name}/{language}"
        head, _, body = self.templates[f"{place}.txt"].partition("\n\n")
        header = dict(line.split(": ", 1) for line in head.split("\n") if ": " in line)
        if tuple(header) != HEADERS or not body:
            self.faults.append(f"{place}.txt: does not begin with Title, Subject and an empty line")
        self.titles[name, language] = header.get("Title", name)
        self.templates[f"{place}.subject"] = header.get("Subject", "")
        self.templates[f"{place}.txt"] = body
