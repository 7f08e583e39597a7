"""What stands in the log: ids and reasons, never a secret."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, logs
from crm.models import Account
from enrichment import runs, tasks
from enrichment.models import EnrichmentRun, Lookup, RunItem
from sources.attributes import Kind
from sources.contract import Call, Http, Payload
from sources.errors import SourceRefused
from tests.factories import make_account, make_source
from tests.fakes import FakeSource
from tests.logged import everything_logged

ROOT = Path(__file__).resolve().parent.parent
CANARY = "ca+nary/7f3 9d"


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that is logged, as the console would show it."""
    with everything_logged(getattr(request, "param", logs.JsonFormatter)(), logging.DEBUG) as stream:
        yield stream


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines about our own doings."""
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in told if line["logger"].startswith(("enrichment", "tests"))]


class Careless(FakeSource):
    """Puts its key where it does not belong."""

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        if call.subject.domain == "crash.com":
            raise ValueError(f"cannot read https://vendor/?key={call.key}")
        if call.subject.domain == "refused.com":
            raise SourceRefused(f"Invalid key {call.key}.")
        logging.getLogger("tests.careless").warning("asking with %r", {"Authorization": call.key})
        return super().fetch(call, http)


def failing_run(fakes: dict[str, FakeSource]) -> EnrichmentRun:
    fakes["careless"] = Careless("careless", fine_com={"headcount": 5})
    make_source("careless", cadence="monthly")
    for domain in ("crash.com", "fine.com"):
        make_account(name=domain, domain=domain)
    run = runs.start(kind=Kind.ACCOUNT, records=Account.objects.order_by("pk"))
    tasks.work(run.pk)
    return run


@pytest.mark.django_db
@pytest.mark.parametrize("log", [logs.JsonFormatter, logs.PlainFormatter], indirect=True)
def test_the_log_of_a_failing_run_holds_no_key(fakes, log, monkeypatch):
    monkeypatch.setenv("CARELESS_API_KEY", CANARY)
    failing_run(fakes)
    text = log.getvalue()
    assert "cannot read https://vendor/?key=***" in text
    assert "asking with {'Authorization': '***'}" in text
    assert CANARY not in text
    assert "Traceback" in text


@pytest.mark.django_db
def test_what_a_vendor_says_about_a_key_is_kept_without_it(fakes, monkeypatch):
    monkeypatch.setenv("CARELESS_API_KEY", CANARY)
    fakes["careless"] = Careless("careless")
    source = make_source("careless", cadence="monthly")
    make_account(name="Refused", domain="refused.com")
    tasks.work(runs.start(kind=Kind.ACCOUNT, records=Account.objects.all()).pk)
    source.refresh_from_db()
    kept = [Lookup.objects.get().error, RunItem.objects.get().reason, source.paused_reason]
    assert all("Invalid key ***." in each for each in kept), kept


@pytest.mark.django_db
def test_lines_name_run_item_and_lookup(fakes, log):
    run = failing_run(fakes)
    told = lines(log)
    crash = next(line for line in told if line["message"] == "The adapter of careless failed.")
    assert (crash["run"], crash["source"]) == (run.pk, "careless")
    assert Lookup.objects.get(pk=crash["lookup"]).question["domain"] == "crash.com"
    ended = {line["item"]: (line["run"], line["message"]) for line in told if "item" in line}
    items = RunItem.objects.filter(run=run)
    assert ended == {item.pk: (run.pk, f"{item.state}: {item.reason}") for item in items}


@pytest.mark.django_db
def test_a_run_that_crashes_says_which_and_why(log, monkeypatch):
    def crash(*args: object, **wishes: object) -> bool:
        raise RuntimeError("no space left on device")

    monkeypatch.setattr(runs, "work", crash)
    with pytest.raises(RuntimeError):
        tasks.work(77)
    (line,) = lines(log)
    assert (line["run"], line["level"]) == (77, "ERROR")
    assert "no space left on device" in line["exception"]


def test_ids_end_with_their_block(log):
    logger = logging.getLogger("tests.ids")
    with logs.about(run=1):
        with logs.about(item=2):
            logger.warning("inside")
        logger.warning("between")
    logger.warning("outside")
    assert [(line.get("run"), line.get("item")) for line in lines(log)] == [(1, 2), (1, None), (None, None)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLAY_API_KEY", CANARY),
        ("SECRET_KEY", CANARY),
        ("FOOTNOTE_METRICS_TOKEN", CANARY),
        ("DATABASE_URL", "postgres://footnote:ca%2Bnary%2F7f3%209d@db:5432/footnote"),
        ("REDIS_URL", "redis://:ca%2Bnary%2F7f3%209d@cache:6379/0"),
    ],
)
def test_every_kind_of_secret_is_hidden_also_as_part_of_a_url(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    for form in (CANARY, "ca%2Bnary%2F7f3%209d", "ca%2Bnary%2F7f3+9d"):
        assert logs.redact(f"said {form}.") == "said ***."


def test_a_secret_in_a_file_is_hidden(monkeypatch, tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    monkeypatch.setenv("CLAY_API_KEY_FILE", str(path))
    assert logs.redact(f"said {CANARY}.") == "said ***."


def test_an_empty_key_blackens_nothing(monkeypatch):
    monkeypatch.setenv("CLAY_API_KEY", "")
    monkeypatch.setenv("CLAY_BASE_URL", "http://[broken")
    assert logs.redact("a plain line") == "a plain line"


def shown(style: str) -> str:
    """What a new process writes to stderr for one line."""
    code = (
        "import django, logging; django.setup(); from config import logs\n"
        "with logs.about(run=3): logging.getLogger('enrichment').warning('key %s\\nsecond', 'planted-key')"
    )
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "FOOTNOTE_LOG": style, "SECRET_KEY": "planted-key"
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    return done.stderr


def test_the_console_speaks_json_when_asked():
    (line,) = shown("json").splitlines()
    told = json.loads(line)
    assert (told["message"], told["run"], told["level"]) == ("key ***\nsecond", 3, "WARNING")


def test_the_console_speaks_plainly_otherwise():
    assert shown("text").strip().endswith("WARNING enrichment: key ***\nsecond [run=3]")


def test_an_unknown_style_stops_the_start(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_LOG", "xml")
    with pytest.raises(ImproperlyConfigured, match="FOOTNOTE_LOG is 'xml': write text or json"):
        env.choice("FOOTNOTE_LOG", "text", ("text", "json"))


def test_the_web_server_speaks_as_we_do():
    code = (
        "from gunicorn.config import Config; from config.server_log import ServerLog\n"
        "ServerLog(Config()).error('key %s', 'planted-key')"
    )
    variables = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings", "FOOTNOTE_LOG": "json", "SECRET_KEY": "planted-key"
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True
    )
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert (told["logger"], told["message"]) == ("gunicorn.error", "key ***")
