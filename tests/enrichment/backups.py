"""A world of every table, its backup, and how the commands are run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from crm.models import IdealCustomerProfile, Sheet, SheetEntry
from enrichment import claims
from enrichment.models import (
    ApiKey,
    ApiSchedule,
    ApiTask,
    AttributeValue,
    Budget,
    CustomAttribute,
    EnrichmentRun,
    GivenAnswer,
    Lookup,
    Preferences,
    RunItem,
    RunOrigin,
    RunScan,
    ScheduleFiring,
    Signal,
    SignalRule,
    UploadedFile,
    WebhookDelivery,
    WebhookEndpoint,
)
from sources.attributes import Kind
from tests.factories import make_account, make_answer, make_contact, make_run, make_source, make_writer

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
is_sqlite = connection.vendor == "sqlite"


def say(*command: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def make_world() -> None:
    """At least one row of every table, with values that are hard to carry over."""
    user = User.objects.create_user("ann")
    profile = IdealCustomerProfile.objects.create(name="Mid-size", account_text="- headcount: people")
    sheet = Sheet.objects.create(name="Zürich 株式会社 😀", profile=profile)
    account = make_account(priority="high", comments='line\nline\u2028\ttab \\ "quote"')
    contact = make_contact(account=account)
    SheetEntry.objects.create(sheet=sheet, account=account)
    told, sheet_source = make_run(status="COMPLETED", asks=False), make_writer()
    for kind, record, name in ((Kind.ACCOUNT, account, "Größe & Söhne"), (Kind.CONTACT, contact, "Ann Ode")):
        claims.record(run=told.pk, kind=kind, answers=[make_answer(record.pk, sheet_source.pk, name=name)])
    CustomAttribute.objects.create(slug="tier", label="Tier", aliases=["level"])
    make_writer("user", 1)
    source = make_source(
        "vendor", cost=3, credit_price=Decimal("0.012345"), settings={"b": {"z": 1, "a": [1.5, None, True]}}
    )
    run = make_run(status="RUNNING", created_by=user, sheet=sheet, started_at=AT, summary={"1": 1e-7})
    lookup = Lookup.objects.create(
        source=source, run=run, key="k" * 64, question={"domain": "a.com"}, state="applied", period="2026-03",
        cost=3, sent_at=AT, answered_at=AT, status=200, headers={"x": "é"}, body=bytes(range(256)) * 9,
    )  # fmt: skip
    RunItem.objects.create(
        run=run, position=0, account=account, state="waiting", waits_for=lookup, score=0.1 + 0.2,
        row={"Zeta": "1", "Alpha": None}, evidence=[{"why": "name"}],
    )  # fmt: skip
    RunItem.objects.create(run=run, position=1, state="failed", reason="x" * 500)
    later, undone = make_run(status="COMPLETED"), make_run(status="COMPLETED")
    for number, each in enumerate((run, later, undone)):
        answers = [
            make_answer(account.pk, source.pk, number, headcount=10 + number // 2, industry=["a", "b"])
        ]
        claims.record(run=each.pk, kind=Kind.ACCOUNT, answers=answers)
    claims.record(run=run.pk, kind=Kind.CONTACT, answers=[make_answer(contact.pk, source.pk, 1, title="CEO")])
    claims.undo(undone.pk)
    claims.pin(account, "ceo_name", "Ann Ode", user="ann")
    Budget.objects.create(scope="money:2026-03", limit=10**15, spent=37035, reserved=0)
    Preferences.objects.create(pk=1, monthly_limit_usd=Decimal("123.40"))
    ScheduleFiring.objects.create(source=source, kind="account", planned_at=AT, fired_at=AT, run=later)
    make_api_world(profile, sheet, later)
    make_signal_world(profile, later)


def make_api_world(profile: IdealCustomerProfile, sheet: Sheet, run: EnrichmentRun) -> None:
    """At least one row of every table of the REST API."""
    key, _ = ApiKey.objects.create_key(name="Script", scopes=["read"])
    assert isinstance(key, ApiKey)
    file = UploadedFile.objects.create(name="ä.csv", stored="ab.csv", size=7, table={"row_count": 1})
    folder = Path(settings.MEDIA_ROOT) / "api"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ab.csv").write_bytes(b"name\xff\n")
    task = ApiTask.objects.create(
        name="Ingest", flow="ingest", deployment="main", profile=profile, sheet=sheet
    )
    schedule = ApiSchedule.objects.create(
        name="Nightly", task=task, profile=profile, key=key, cron="0 3 * * *", next_at=AT
    )
    RunOrigin.objects.create(run=run, task=task, key=key, schedule=schedule, planned_at=AT, file=file)
    GivenAnswer.objects.create(
        caller=f"key:{key.prefix}", key="once", request="d" * 64, status=201, body={"a": 1}
    )


def make_signal_world(profile: IdealCustomerProfile, run: EnrichmentRun) -> None:
    """At least one row of every table of signals and webhooks."""
    claim = AttributeValue.objects.exclude(account=None).earliest("pk")
    rule = SignalRule.objects.create(
        slug="surge", name="Surge", attributes=["headcount"], threshold=Decimal("12.50"), profile=profile
    )
    signal = Signal.objects.create(
        account=claim.account, rule=rule, type="hiring_surge", strength="HIGH", attribute="headcount", when="rises",
        summary="Größe & Söhne: headcount rose.", new=claim, run=run,
    )  # fmt: skip
    RunScan.objects.create(run=run, run_ended_at=AT, is_done=True)
    endpoint = WebhookEndpoint.objects.create(
        name="CRM", url="https://crm.example.com/", secret="x", is_enabled=False
    )
    WebhookDelivery.objects.create(
        endpoint=endpoint, event="signal", event_id="signal_1", body='{"a":"é"}', signal=signal, run=run, next_at=AT, since=AT,
        tries=[{"status": 500}],
    )  # fmt: skip


def empty() -> None:
    """Take away everything, users included."""
    call_command("flush", interactive=False, verbosity=0)


def content(path: Path) -> list[Any]:
    """The lines of a backup after its head."""
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file][1:]


def backed_up(folder: Path, name: str = "backup") -> Path:
    """A new backup of the database as it is."""
    path = folder / f"{name}.jsonl.gz"
    say("backup", str(path))
    return path


def rewritten(path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    """A copy of a backup with other lines."""
    with gzip.open(path, "rt") as file:
        lines = change(file.read().splitlines())
    copy = path.with_name("changed.jsonl.gz")
    with gzip.open(copy, "wt") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return copy


def elsewhere(home: Path, *commands: list[str]) -> str:
    """Run commands on an SQLite database of their own; what they print."""
    code = (
        "import django, json, sys; django.setup()\n"
        "from django.core.management import call_command\n"
        "for command in json.loads(sys.argv[1]): call_command(*command)"
    )
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "FOOTNOTE_HOME": str(home), "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": f"sqlite:///{home}/footnote.sqlite3",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, json.dumps(commands)],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


MIGRATE = ["migrate", "--verbosity", "0"]
