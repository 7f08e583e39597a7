"""Starts Footnote: migrations, web server and workers; stops both on Ctrl-C."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import env
from enrichment.registration import sync_sources
from enrichment.signals import sync_rules
from enrichment.supervisor import PortRefused, Supervisor, address_of, take_port, web_server


class Command(BaseCommand):
    """`manage.py up`"""

    help = "Migrate, then run web server and workers until Ctrl-C; both are restarted when they fail."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and whether only half of it is wanted."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument(
            "--port", type=int, default=8000, help="0 takes a free one (default: %(default)s)"
        )
        half = parser.add_mutually_exclusive_group()
        half.add_argument("--workers-only", action="store_true", help="no web server: for further machines")
        half.add_argument("--web-only", action="store_true", help="no workers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the port, prepare the database, run."""
        try:
            listener = None if options["workers_only"] else take_port(options["host"], options["port"])
        except PortRefused as error:
            raise CommandError(str(error)) from None
        if listener and not env.text("FOOTNOTE_URL"):  # what the web server and the workers tell others
            os.environ["FOOTNOTE_URL"] = address_of(listener)
        call_command("migrate", interactive=False, verbosity=0)
        sync_sources()
        sync_rules()
        if listener:
            self.stdout.write(f"Footnote is at {address_of(listener)} (Ctrl-C stops it)")
        else:
            self.stdout.write("Workers run (Ctrl-C stops them)")
        self.stdout.flush()
        web = web_server(listener) if listener else None
        Supervisor(web=web, has_workers=not options["web_only"]).run()
        self.stdout.write("Stopped.")
