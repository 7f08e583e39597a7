"""Looks at everything an installation needs and says what to do about what is missing."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max, Q
from django.http.request import validate_host

from enrichment import bulk
from enrichment.keys import key_of, key_variable
from enrichment.models import EnrichmentRun, EnrichmentSource, Preferences, RunItem, WebhookEndpoint
from enrichment.operations import health
from enrichment.registration import adapter_of
from sources import registry
from sources.contract import Source

LITTLE_DISK, NO_DISK = 2_000_000_000, 200_000_000  # bytes
STILL = timedelta(minutes=10)  # a run in which nothing happens for so long stands still
LATE_SWEEP = 150.0  # seconds; a sweep is due every 30


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Advice:
    """One line: how bad, what was looked at, what was found and what to do."""

    level: Level
    about: str
    text: str


def examine() -> Iterator[Advice]:
    """All advice, in the order in which things need each other; without a database the rest is left out."""
    yield from _settings()
    yield from _disk()
    try:
        is_ready = yield from _database()
        if is_ready:
            yield from _sources()
            yield from _workers()
            yield from _runs()
            yield from _webhooks()
    except (DatabaseError, OSError) as error:
        yield _problem(
            "database", f"cannot be used: {_first_line(error)}. Check DATABASE_URL and the server."
        )


def _ok(about: str, text: str) -> Advice:
    return Advice(Level.OK, about, text)


def _warning(about: str, text: str) -> Advice:
    return Advice(Level.WARNING, about, text)


def _problem(about: str, text: str) -> Advice:
    return Advice(Level.PROBLEM, about, text)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _settings() -> Iterator[Advice]:
    found = [*_debug(), *_secret_key(), *_hosts()]
    yield from found or [_ok("settings", "fit for production")]


def _debug() -> Iterator[Advice]:
    if settings.DEBUG:
        yield _warning("FOOTNOTE_DEBUG", "is 1, visitors see the inside of errors: set it to 0")


def _secret_key() -> Iterator[Advice]:
    key, kept = settings.SECRET_KEY, Path(settings.HOME) / "secret_key"
    if len(key) < 32 or len(set(key)) < 8:
        yield _warning("SECRET_KEY", "is easy to guess: set it to 50 random characters")
    if kept.exists() and stat.S_IMODE(kept.stat().st_mode) & 0o077:
        yield _warning("SECRET_KEY", f"others on this machine can read {kept}: chmod 600 it")


def _hosts() -> Iterator[Advice]:
    if "*" in settings.ALLOWED_HOSTS:
        yield _warning("ALLOWED_HOSTS", "takes any name: list the names this site has")
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    if not validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS):
        yield _warning(
            "ALLOWED_HOSTS", f"lacks {host or 'a host'} of FOOTNOTE_URL, so late answers are refused: add it"
        )


def _disk() -> Iterator[Advice]:
    home = settings.HOME
    try:
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free
    except OSError as error:
        yield _problem(
            "FOOTNOTE_HOME", f"{home} cannot be written to: {error.strerror}. Give it to this user."
        )
        return
    told = f"{free / 1e9:,.1f} GB free in {home}"
    if free < LITTLE_DISK:
        level = Level.PROBLEM if free < NO_DISK else Level.WARNING
        yield Advice(level, "disk", f"only {told}: make room before answers that were paid cannot be kept")
    else:
        yield _ok("disk", told)


def _database() -> Generator[Advice, None, bool]:
    """Returns whether the tables can be read."""
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(str(migration) for migration, _ in missing[:3])
        yield _problem(
            "database", f"lacks {len(missing)} migrations ({names} …): run manage.py migrate, or up"
        )
        return False
    yield _ok("database", f"{connection.vendor} answers, migrations are applied")
    return True


def _sources() -> Iterator[Advice]:
    rows = list(EnrichmentSource.objects.exclude(adapter="").filter(is_enabled=True))
    found = [advice for row in rows for advice in _source(row, adapter_of(row))]
    yield from found
    for name, reason in registry.left_out().items():
        yield _warning(f"module {name}", f"is left out: {reason}")
    if not rows:
        yield _warning("sources", "none is on: turn one on under Sources in the admin")
    elif not found:
        yield _ok("sources", f"{len(rows)} are on and can be asked")
    if Preferences.objects.filter(hold_paid=True).exists():
        yield _warning(
            "sources", "paid ones are held after a restore: manage.py restore --confirm lets them go"
        )


def _source(row: EnrichmentSource, adapter: Source | None) -> Iterator[Advice]:
    about = f"source {row.slug}"
    if adapter is None:
        yield _problem(
            about, f"its adapter {row.adapter} is not installed: install it or turn the source off"
        )
        return
    if adapter.secret and not key_of(row.slug, adapter):
        where = f" (get one at {adapter.secret.help_url})" if adapter.secret.help_url else ""
        yield _problem(
            about, f"has no key: set {key_variable(row.slug, adapter)}{where} or turn the source off"
        )
    if row.paused_until and row.paused_until > bulk.clock():
        yield _warning(about, f"is paused until {row.paused_until:%Y-%m-%d %H:%M} UTC: {row.paused_reason}")


def _workers() -> Iterator[Advice]:
    found = health.look()
    if found.broker:
        yield _ok("broker", "answers")
    else:
        yield _problem("broker", "does not answer: check REDIS_URL and the server")
    if found.worker_age is None:
        yield _problem("workers", "none has ever run: start manage.py up")
    elif not found.has_workers:
        yield _problem("workers", f"silent for {found.worker_age:,.0f} s: restart manage.py up")
    else:
        yield _ok("workers", f"last sign of life {found.worker_age:.0f} s ago")
        if found.sweeper_age is None or found.sweeper_age > LATE_SWEEP:
            ago = "ever" if found.sweeper_age is None else f"for {found.sweeper_age:,.0f} s"
            yield _warning(
                "workers", f"nobody swept {ago}: run the workers by manage.py up, not qcluster alone"
            )


def _runs() -> Iterator[Advice]:
    now = bulk.clock()
    going = list(health.going_runs().order_by("pk"))
    still = [run for run in going if _stands_still(run, now)]
    for run in still:
        yield _problem(
            f"run {run.pk}",
            f"has work but nothing happens since {STILL.seconds // 60} minutes: restart manage.py up; "
            "if it stays so, pause and resume the run",
        )
    if not still:
        yield _ok("runs", f"{len(going)} going, none stands still" if going else "none is going")


def _webhooks() -> Iterator[Advice]:
    """Endpoints that are not told of what they should be."""
    silent = ~Q(disabled_reason="") & Q(is_enabled=False) | Q(is_enabled=True, paused_until__isnull=False)
    for endpoint in WebhookEndpoint.objects.filter(silent):
        if endpoint.is_enabled:
            text = f"took nothing {endpoint.failures} times in a row: see what it answers in the webhook log"
        else:
            text = f"is off. {endpoint.disabled_reason}"
        yield _warning(f"webhook {endpoint.name}", text)


def _stands_still(run: EnrichmentRun, now: datetime) -> bool:
    """Whether items could be taken for a while, but none is in work and none was finished."""
    items = RunItem.objects.filter(run=run)
    if items.filter(state=RunItem.State.PROCESSING, lease_until__gt=now).exists():
        return False
    is_left = Q(state=RunItem.State.PROCESSING) | Q(state=RunItem.State.QUEUED, not_before=None)
    if not items.filter(is_left | Q(state=RunItem.State.QUEUED, not_before__lt=now - STILL)).exists():
        return False
    finished = items.aggregate(at=Max("finished_at"))["at"]
    return max(at for at in (run.created_at, run.started_at, finished) if at) < now - STILL
