"""The addresses of signing in and out."""

from __future__ import annotations

from hufu_console.sign_in import views
from hufu_console.web import limits
from hufu_console.web.routing import GET, MACHINES, POST, PUBLIC, SIGNED_IN, Route

ROUTES = (
    Route("/sign-in", "sign_in.start", views.start, PUBLIC, GET, limits.SIGN_INS),
    Route("/sign-in/callback", "sign_in.callback", views.callback, PUBLIC, GET, limits.SIGN_INS),
    Route("/me/password", "sign_in.change_password", views.change_password, SIGNED_IN, GET, limits.SIGN_INS),
    Route(
        "/me/one-time-password",
        "sign_in.change_one_time_password",
        views.change_one_time_password,
        SIGNED_IN,
        GET,
        limits.SIGN_INS,
    ),
    Route("/session", "sign_in.time_left", views.time_left, PUBLIC, by_itself=True),
    Route("/session/extend", "sign_in.extend", views.extend, PUBLIC, POST, by_itself=True),
    Route("/sign-out", "sign_in.sign_out", views.sign_out, PUBLIC, POST),
    Route("/signed-out", "sign_in.signed_out", views.signed_out, PUBLIC),
    Route("/sign-in/backchannel-logout", "sign_in.backchannel_logout", views.backchannel_logout, MACHINES, POST),
)
