"""The addresses of applying for an account and following the application, for anybody."""

from __future__ import annotations

from hufu_console.public import mailbox, views
from hufu_console.public.activation import views as activation
from hufu_console.web import limits
from hufu_console.web.routing import FORM, GET, POST, PUBLIC, Route
from hufu_registry.people.model import Purpose


def journey(start: str, name: str, purpose: Purpose) -> tuple[Route, ...]:
    """The three addresses of proving a mailbox for a purpose."""
    defaults = {"purpose": purpose}
    return (
        Route(start, name, mailbox.start, PUBLIC, FORM, limits.CODES, defaults),
        Route(f"{start}/code", f"{name}_code", mailbox.code, PUBLIC, FORM, limits.TRIES, defaults),
        Route(f"{start}/code/resend", f"{name}_resend", mailbox.resend, PUBLIC, POST, limits.CODES, defaults),
    )


RESEND = "/activation/accounts/<uuid:account_id>/resend"

ROUTES = (
    Route("/privacy", "public.privacy", views.privacy, PUBLIC),
    Route("/welcome", "public.welcome", views.welcome, PUBLIC),
    *journey("/apply", "public.apply", Purpose.APPLY),
    Route("/apply/form", "public.form", activation.form, PUBLIC, FORM, limits.CHECKS),
    Route("/apply/check/<field>", "public.check", activation.check, PUBLIC, POST, limits.CHECKS),
    Route("/apply/agencies", "public.agency_search", activation.agency_search, PUBLIC, GET, limits.SEARCHES),
    Route("/apply/agency", "public.agency_choose", activation.agency_choose, PUBLIC, POST, limits.SEARCHES),
    Route("/apply/review", "public.review", activation.review, PUBLIC),
    Route("/apply/send", "public.send", activation.review, PUBLIC, POST, limits.SENDING),
    Route("/apply/receipt/<uuid:case_id>", "public.receipt", views.receipt, PUBLIC),
    *journey("/follow", "public.follow", Purpose.FOLLOW),
    Route("/follow/case", "public.own_case", views.own_case, PUBLIC),
    Route("/follow/change", "public.change", activation.change, PUBLIC, FORM, limits.SENDING),
    Route("/follow/withdraw", "public.withdraw", views.withdraw, PUBLIC, FORM, limits.SENDING),
    Route("/follow/name", "public.choose_name", activation.choose_name, PUBLIC, POST, limits.SENDING),
    *journey("/activation", "public.activation", Purpose.RESEND),
    Route("/activation/accounts", "public.own_accounts", views.own_accounts, PUBLIC),
    Route(RESEND, "public.resend_activation", views.resend_activation, PUBLIC, POST, limits.SENDING),
)
