"""`manage.py demo`: the shipped sample list, enriched offline from the shipped tables."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from crm.results import found_attributes, write_results
from crm.spreadsheets import import_file
from enrichment import runs
from enrichment.models import EnrichmentRun, EnrichmentSource
from enrichment.registration import sync_sources
from enrichment.tables import register
from enrichment.terminal import INTERRUPTED, paused_text, summary_lines, work_with_bar

LOGIN = "demo"


class Command(BaseCommand):
    """Import the sample, enrich it, sum up, write the files; `make demo` then serves it."""

    help = "Enrich the shipped sample of real companies from the shipped reference tables, offline."

    def handle(self, *args: Any, **options: Any) -> None:
        """Set up, import, enrich, print; where the sample is there already, only print."""
        started = time.monotonic()
        call_command("migrate", interactive=False, verbosity=0)
        sync_sources()
        slugs = _register_tables()
        path: Path = settings.BASE_DIR / "data" / "demo" / "accounts.csv"
        run = _run_before(path)
        if run and not run.is_open:
            self.stdout.write(
                f"{path.name} is there already, enriched by run {run.pk}: nothing is asked again."
            )
        else:
            tell = f"Enriching {path.name} from {len(slugs)} reference tables, offline"
            self.stdout.write(f"{tell} …" if run is None else f"{tell}: going on with run {run.pk} …")
            self.stdout.flush()
            run = run or import_file(path, name=path.name, enrich=True, sources=slugs)
            _work(run)
        self._tell(run, started)

    def _tell(self, run: EnrichmentRun, started: float) -> None:
        attributes = found_attributes(run)
        for line in summary_lines(run, attributes):
            self.stdout.write(line)
        self.stdout.write(f"\n{time.monotonic() - started:.1f} seconds")
        for ending in (".csv", ".xlsx"):
            output = settings.HOME / f"accounts_enriched{ending}"
            count = write_results(run, output, {slug: slug for slug in attributes})
            self.stdout.write(f"{count} rows written to {output}")
        self.stdout.write(_login())
        self.stdout.flush()


def _work(run: EnrichmentRun) -> None:
    """Bring the run to its end. Raises CommandError when Ctrl-C stopped it."""
    if run.status == run.Status.PAUSED:
        runs.resume(run)
        run.refresh_from_db()
    work_with_bar(run, sys.stderr, resumed_by="make demo")
    if run.status == run.Status.PAUSED:
        raise CommandError(paused_text(run, "make demo"), returncode=INTERRUPTED)


def _run_before(path: Path) -> EnrichmentRun | None:
    """The newest enrichment of the sample that stands."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    usable = [*EnrichmentRun.OPEN, EnrichmentRun.Status.COMPLETED]
    found = EnrichmentRun.objects.filter(file_hash=digest, asks=True, undone_at=None, status__in=usable)
    return found.order_by("pk").first()


def _register_tables() -> list[str]:
    """Make the shipped tables sources; those there are stay as their user set them."""
    folder: Path = settings.BASE_DIR / "data" / "reference"
    tables = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
    known = set(EnrichmentSource.objects.values_list("slug", flat=True))
    for table in tables:
        if table["slug"] not in known:
            register(folder / table["file"], **{name: told for name, told in table.items() if name != "file"})
    return [table["slug"] for table in tables]


def _login() -> str:
    """How to log in; the password of the demo user is made once and kept beside the database."""
    path: Path = settings.HOME / "demo_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9), encoding="ascii")
    password = path.read_text(encoding="ascii")
    user, is_new = get_user_model().objects.get_or_create(
        username=LOGIN, defaults={"is_staff": True, "is_superuser": True}
    )
    if is_new:
        user.set_password(password)
        user.save()
    if not user.check_password(password):
        return f"Log in as {LOGIN} with the password you gave it."
    return f"Log in as {LOGIN} with password {password}"
