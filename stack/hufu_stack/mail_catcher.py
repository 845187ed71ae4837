"""Catches every mail sent to it and shows them: as a page for people, as JSON for scripts."""

import asyncio
import datetime as dt
import email
import email.policy
import html
import itertools
import json
import re
import signal
from collections.abc import Callable
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click
from aiosmtpd.smtp import SMTP, Envelope, Session

ADDRESS = "127.0.0.1"
LINK = re.compile(r"https?://[^\s<>\"']+")
LONGEST_PAGE = 500
PAGE = """<!doctype html>
<html lang="zh-Hant"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.6 system-ui, "Noto Sans TC", sans-serif; color: #1f2328 }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #d8dee4 }}
a {{ color: #0b57d0 }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
iframe {{ width: 100%; height: 30rem; border: 1px solid #d8dee4 }}
</style></head><body>{body}</body></html>"""


class Mailbox:
    """The caught mails: one .eml file each, numbered in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        taken = [int(path.stem) for path in folder.glob("*.eml")]
        self._numbers = itertools.count(max(taken, default=0) + 1)

    def store(self, content: bytes, *, sender: str, recipients: list[str]) -> None:
        number = next(self._numbers)
        head = f"X-Envelope-From: {sender}\r\nX-Envelope-To: {', '.join(recipients)}\r\n".encode()
        half_written = self._folder / f"{number:08}.part"
        half_written.write_bytes(head + content)
        half_written.rename(self._folder / f"{number:08}.eml")

    def all(self, *, to: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the mails, newest first."""
        messages = (self._described(path) for path in sorted(self._folder.glob("*.eml"), reverse=True))
        matching = (message for message in messages if to is None or to.lower() in message["to"])
        return list(itertools.islice(matching, limit))

    def one(self, number: int) -> dict[str, Any] | None:
        path = self._folder / f"{number:08}.eml"
        return self._described(path) if path.exists() else None

    def _described(self, path: Path) -> dict[str, Any]:
        if path not in self._read:
            self._read[path] = describe(path)
        return self._read[path]

    def clear(self) -> None:
        for path in self._folder.glob("*.eml"):
            path.unlink()
        self._read.clear()


def describe(path: Path) -> dict[str, Any]:
    """Read one caught mail into the form the JSON list has."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    text, page = _body(message, "plain"), _body(message, "html")
    links = LINK.findall(text) or [html.unescape(link) for link in LINK.findall(page)]
    caught = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    return {
        "id": int(path.stem),
        "to": [address.strip().lower() for address in str(message["X-Envelope-To"]).split(",")],
        "from": str(message["X-Envelope-From"]),
        "subject": str(message["Subject"] or ""),
        "date": caught.isoformat(timespec="milliseconds"),
        "text": text,
        "html": page,
        "links": list(dict.fromkeys(link.rstrip(".,;)") for link in links)),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


class SmtpHandler:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's names
        content = envelope.original_content or b""
        self._mailbox.store(content, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos))
        return "250 caught"


def list_page(messages: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(message['date'])}</td><td>{html.escape(', '.join(message['to']))}</td>"
        f'<td><a href="/messages/{message["id"]}">{html.escape(message["subject"] or "-")}</a></td></tr>'
        for message in messages
    )
    table = f"<table><thead><tr><th>時間 Time<th>收件者 To<th>主旨 Subject</thead><tbody>{rows}</tbody></table>"
    empty = "<p>還沒有信件。 No mail yet.</p>"
    title = "攔下的信件 Caught mail"
    return PAGE.format(title=title, body=f"<h1>{title}</h1>{table if messages else empty}")


def message_page(message: dict[str, Any]) -> str:
    links = "".join(f'<li><a href="{html.escape(link)}">{html.escape(link)}</a></li>' for link in message["links"])
    shown = f"<pre>{html.escape(message['text'])}</pre>"
    if message["html"]:
        # sandbox without any permission: a mail runs no script and sends no form.
        shown = f'<iframe sandbox title="HTML" srcdoc="{html.escape(message["html"])}"></iframe>' + shown
    subject = html.escape(message["subject"])
    way = f"{message['from']} → {', '.join(message['to'])}"
    head = f"<p>{html.escape(message['date'])} · {html.escape(way)}</p>"
    body = f'<p><a href="/">攔下的信件 Caught mail</a></p><h1>{subject}</h1>{head}<ul>{links}</ul>{shown}'
    return PAGE.format(title=subject, body=body)


def http_handler(mailbox: Mailbox) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(url.query).items()}
            if url.path == "/healthz":
                self._send("text/plain", "ok")
            elif url.path in {"/", "/api/messages"}:
                limit = int(query["limit"]) if query.get("limit", "").isdigit() else None
                mails = mailbox.all(to=query.get("to"), limit=limit)
                self._show(mails, lambda: list_page(mails[:LONGEST_PAGE]))
            elif (match := re.fullmatch(r"(?:/api)?/messages/(\d{1,8})", url.path)) and (
                message := mailbox.one(int(match[1]))
            ):
                self._show(message, lambda: message_page(message))
            else:
                self._send("text/plain", "not found", HTTPStatus.NOT_FOUND)

        def _show(self, content: Any, page: Callable[[], str]) -> None:
            """Give browsers a page and everybody else JSON; below /api there is only JSON."""
            if not self.path.startswith("/api/") and "text/html" in self.headers.get("Accept", ""):
                self._send("text/html", page())
            else:
                self._send("application/json", json.dumps(content, ensure_ascii=False))

        def do_DELETE(self) -> None:
            if self.path == "/api/messages":
                mailbox.clear()
                self._send("text/plain", "", HTTPStatus.OK)
            else:
                self._send("text/plain", "not found", HTTPStatus.NOT_FOUND)

        def _send(self, kind: str, content: str, status: HTTPStatus = HTTPStatus.OK) -> None:
            body = content.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing of each request; mails hold what no log should."""

    return Handler


async def serve(mailbox: Mailbox, smtp_port: int, http_port: int) -> None:
    """Serve both until asked to end."""
    http = ThreadingHTTPServer((ADDRESS, http_port), http_handler(mailbox))
    Thread(target=http.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(SmtpHandler(mailbox), enable_SMTPUTF8=True, hostname="localhost", loop=loop),
        host=ADDRESS,
        port=smtp_port,
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    smtp.close()
    http.shutdown()


@click.command()
@click.option("--smtp-port", type=int, required=True)
@click.option("--http-port", type=int, required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(smtp_port: int, http_port: int, folder: Path) -> None:
    """Catch mail until ended."""
    asyncio.run(serve(Mailbox(folder), smtp_port, http_port))


if __name__ == "__main__":
    main()
