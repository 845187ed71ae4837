"""A scripted person: follows the links of mails and Keycloak's pages over plain HTTP, as a browser would."""

import base64
import time
from dataclasses import dataclass, field
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin

import pyotp
import requests
from bs4 import BeautifulSoup, Tag
from requests.cookies import RequestsCookieJar

TIMEOUT = 30.0
PERIOD = 30
# So many seconds a code has to be good after it was read.
STILL_GOOD = 15
MOST_PAGES = 12
# Keycloak takes two failures within a second for a machine and locks the account for a minute.
PAUSE_AFTER_REFUSAL = 1.2


class PersonError(Exception):
    """The pages did not lead where they should; says what the page said."""


@dataclass
class Authenticator:
    """A person's OTP app. Keycloak takes each code once, so it never shows one twice."""

    secret: str
    _last: int = field(default=0, repr=False)

    def code(self) -> str:
        """Return a code not used before: Keycloak takes the last one, too, and the next one early. Else wait for it."""
        oldest = int(time.time() + STILL_GOOD) // PERIOD - 1
        counter = max(oldest, self._last + 1)
        early = (counter - 1) * PERIOD - time.time()
        if early > 0:
            time.sleep(early + 0.2)
        self._last = counter
        return pyotp.TOTP(self.secret).generate_otp(counter)


class LocalCookies(RequestsCookieJar):
    """Cookies of a browser that, like all browsers, takes http://localhost for secure."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


def new_session() -> requests.Session:
    """Return an empty browser."""
    session = requests.Session()
    session.trust_env = False  # a proxy has no business with localhost
    session.cookies = LocalCookies()
    session.headers["Accept-Language"] = "zh-TW"
    return session


def activate(link: str, password: str, *, session: requests.Session | None = None) -> str:
    """Follow an activation mail's link to its end; return the OTP secret in base32."""
    session = session or new_session()
    page = session.get(link, timeout=TIMEOUT)
    secret, password_set = "", False
    for _ in range(MOST_PAGES):
        page.raise_for_status()
        soup = BeautifulSoup(page.text, "html.parser")
        if soup.find("input", {"name": "totpSecret"}):
            page, secret = set_up_otp(session, page)
        elif soup.find("input", {"name": "password-new"}):
            fields = {"password-new": password, "password-confirm": password}
            page = submit(session, page, fields, holding="password-new")
            password_set = not BeautifulSoup(page.text, "html.parser").find("input", {"name": "password-new"})
            if not password_set:
                raise PersonError(f"the password was refused: {text_of(page)}")
        elif secret and password_set:
            return secret
        elif proceed := _proceed_link(soup):
            page = session.get(urljoin(page.url, proceed), timeout=TIMEOUT)
        elif soup.find("form", {"method": "post"}):
            page = submit(session, page, {})
        else:
            break
    raise PersonError(f"the link did not lead to an activation: {text_of(page)}")


def set_up_otp(session: requests.Session, page: requests.Response) -> tuple[requests.Response, str]:
    """Answer the page that sets up an OTP app; the next page, and the secret in base32."""
    secret = secret_of(page)
    given = {"totp": pyotp.TOTP(secret).now(), "userLabel": "otp"}
    return submit(session, page, given, holding="totpSecret"), secret


def secret_of(page: requests.Response) -> str:
    """The secret that the page offers to an OTP app, in base32."""
    raw = _value(BeautifulSoup(page.text, "html.parser"), "totpSecret")
    return base64.b32encode(raw.encode()).decode().rstrip("=")


def sign_in(
    session: requests.Session,
    url: str,
    username: str,
    password: str,
    totp: Authenticator | str,
) -> requests.Response:
    """Open a page that asks for sign-in, sign in, and return the page one lands on."""
    return go_on(session, session.get(url, timeout=TIMEOUT), username, password, totp)


def go_on(
    session: requests.Session,
    page: requests.Response,
    username: str,
    password: str,
    totp: Authenticator | str,
) -> requests.Response:
    """Sign in from the page that one is at, and return the page one lands on."""
    authenticator = Authenticator(totp) if isinstance(totp, str) else totp
    for _ in range(MOST_PAGES):
        soup = BeautifulSoup(page.text, "html.parser")
        if soup.find("input", {"name": "otp"}):
            page = submit(session, page, {"otp": authenticator.code()}, holding="otp")
            if BeautifulSoup(page.text, "html.parser").find("input", {"name": "otp"}):
                time.sleep(PAUSE_AFTER_REFUSAL)
        elif soup.find("input", {"name": "password"}) and soup.find("input", {"name": "username"}):
            # Without an error it is a beginning, the first or, after a change of the flow, a second one.
            if soup.find("input", {"aria-invalid": "true"}):
                raise PersonError(f"{username} is refused: {text_of(page)}")
            page = submit(session, page, {"username": username, "password": password}, holding="password")
        else:
            page.raise_for_status()
            return page
    raise PersonError(f"{username} does not get through: {text_of(page)}")


def submit(
    session: requests.Session, page: requests.Response, fields: dict[str, str], *, holding: str | None = None
) -> requests.Response:
    """Send a form of the page with its own values and ours; `holding` names a field of the form meant."""
    soup = BeautifulSoup(page.text, "html.parser")
    forms = [form for form in soup.find_all("form") if isinstance(form, Tag)]
    chosen = [form for form in forms if holding is None or form.find("input", {"name": holding})]
    if not chosen:
        raise PersonError(f"no such form on {page.url}: {text_of(page)}")
    form = chosen[0]
    values = {
        str(entry["name"]): str(entry.get("value", ""))
        for entry in form.find_all("input", {"type": "hidden"})
        if isinstance(entry, Tag) and entry.get("name")
    }
    action = urljoin(page.url, str(form.get("action") or page.url))
    method = str(form.get("method", "get")).upper()
    sent = {"data" if method == "POST" else "params": values | fields}
    return session.request(method, action, timeout=TIMEOUT, **sent)  # type: ignore[arg-type]


def text_of(page: requests.Response) -> str:
    """Return what a page says, short enough for an error message."""
    soup = BeautifulSoup(page.text, "html.parser")
    main = soup.find("main") or soup.body or soup
    return f"{page.status_code} {page.url.split('?')[0]}: {' '.join(main.get_text(' ').split())[:300]}"


def _value(soup: BeautifulSoup, name: str) -> str:
    entry = soup.find("input", {"name": name})
    return str(entry.get("value", "")) if isinstance(entry, Tag) else ""


def _proceed_link(soup: BeautifulSoup) -> str | None:
    """Return the "proceed" link of Keycloak's information pages."""
    for anchor in soup.find_all("a", href=True):
        href = str(anchor["href"])
        if "/login-actions/" in href and "restart" not in href:
            return href
    return None
