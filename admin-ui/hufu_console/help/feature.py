"""What the help brings."""

from __future__ import annotations

from hufu_console.help.routes import ROUTES
from hufu_console.help.views import help_place
from hufu_console.web.doors import Door
from hufu_console.web.feature import ConsoleFeature

FEATURE = ConsoleFeature(
    "help",
    ROUTES,
    doors={Door.HELP: "help.start"},
    template_values={"help_place": help_place},
)
