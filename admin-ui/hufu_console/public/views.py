"""Applying for a personal official account, by anybody with a mailbox."""

from __future__ import annotations

from flask import render_template


def start() -> str:
    return render_template("public/start.html")


def activation_help() -> str:
    return render_template("public/start.html")


def terms() -> str:
    return render_template("public/start.html")
