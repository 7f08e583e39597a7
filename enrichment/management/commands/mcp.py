"""Serves the tools of agents over stdin and stdout."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from enrichment.agents.tools import Agent
from enrichment.agents.web import MISSING
from enrichment.models import Scope
from enrichment.terminal import prepare_database


class Command(BaseCommand):
    """`manage.py mcp [--scope enrich]`"""

    help = "Serve agents over stdin and stdout (Model Context Protocol). They may read; --scope enrich: also start runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """What agents may do."""
        parser.add_argument(
            "--scope", action="append", choices=[Scope.READ.value, Scope.ENRICH.value], default=[],
            help="enrich: agents may also start, cancel and undo runs",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stdin is closed."""
        if find_spec("mcp") is None:
            raise CommandError(MISSING)
        from enrichment.agents.server import serve_stdio  # imports the extra

        prepare_database()
        scopes = frozenset({Scope.READ.value, *options["scope"]})
        try:
            asyncio.run(serve_stdio(Agent("this server", scopes)))
        except KeyboardInterrupt:
            return
