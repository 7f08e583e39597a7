"""P8: a page of the REST API over many accounts, by cursor and by number, first and last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.test import Client

from benchmarks import world
from benchmarks.table import Row
from crm.models import IdealCustomerProfile, Sheet
from enrichment import bulk
from enrichment.models import ApiKey

SIZE = 100
PAGES = 15  # of each kind; the median counts
SEGMENTS = ("SMB", "SMB", "SMB", "Mid-Market", "Mid-Market", "Enterprise", "")
_AT = datetime(2026, 1, 5, tzinfo=UTC)
_PART = 50_000


def listing(database: str, *, accounts: int) -> list[Row]:
    """Milliseconds of a page of `SIZE` entities with values, and of reading the same rows bare from the database."""
    world.clear()
    sheet = make_sheet(accounts)
    world.settle_down()
    _, key = ApiKey.objects.create_key(name="Benchmark", scopes=["read"], per_minute=1_000_000)
    client = Client(headers={"x-api-key": key}, SERVER_NAME="localhost")
    path = f"/v1/entity?sheet_id={sheet:024x}&page_size={SIZE}"
    last = accounts // SIZE
    middle = f"{_middle(sheet):024x}"
    kinds = {
        "by cursor, first page": (f"{path}&cursor=", 20.0),
        "by cursor, halfway": (f"{path}&cursor={middle}", 20.0),
        "by number, first page": (f"{path}&page=1", 200.0),
        "by number, last page": (f"{path}&page={last}", 200.0),
    }
    works: list[Callable[[], object]] = [partial(_ask, client, url) for url, _ in kinds.values()]
    bare, *taken = _in_turn(lambda: _read_bare(sheet), *works)
    note = f"limit reads {SIZE} rows with their values by the primary key, without shaping them; {accounts:,} accounts"
    return [
        Row(
            number="P8", path=f"API list {label}", database=database, unit="ms", ours=ours,
            limit=bare, at_most=most if accounts >= 1_000_000 else None, note=note,
        )
        for (label, (_, most)), ours in zip(kinds.items(), taken, strict=True)
    ]  # fmt: skip


def milliseconds(work: Callable[[], object]) -> float:
    """The median of `PAGES` times that `work` takes."""
    return _in_turn(work)[0]


def _in_turn(*works: Callable[[], object]) -> list[float]:
    """The medians of `works`, which take turns, so that all of them meet the same machine."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(PAGES):
        for work, times in zip(works, taken, strict=True):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return [1000 * median(times) for times in taken]


def _ask(client: Client, url: str) -> None:
    answer = client.get(url)
    entities = answer.json()["entities"]
    if len(entities) != SIZE or len(entities[0]["data"]) < len(world.ATTRIBUTES):
        raise AssertionError(f"{url} gave {len(entities)} entities")


def _read_bare(sheet: int) -> None:
    rows = bulk.select(
        "SELECT e.id, a.current_values FROM crm_sheetentry e JOIN crm_account a ON a.id = e.account_id "
        f"WHERE e.sheet_id = %s ORDER BY e.id DESC LIMIT {SIZE}",
        [sheet],
    )
    if len(rows) != SIZE:
        raise AssertionError("the sheet is too short")


def make_sheet(accounts: int) -> int:
    """A sheet of that many accounts with current values; claims are not read by a list."""
    profile = IdealCustomerProfile.objects.create(name="Benchmark")
    sheet = Sheet.objects.create(name="Benchmark", kind="account", profile=profile)
    now = bulk.moment(_AT)
    for start in range(0, accounts, _PART):
        numbers = range(start, min(start + _PART, accounts))
        with transaction.atomic():
            ids = bulk.new_ids("crm_account", len(numbers))
            rows = [_account(pk, n, now) for pk, n in zip(ids, numbers, strict=True)]
            bulk.insert("crm_account", (*_FILLED, *_BLANK), rows)
            bulk.insert(
                "crm_sheetentry",
                ("sheet_id", "account_id", "created_at"),
                [(sheet.pk, pk, now) for pk in ids],
            )
    return sheet.pk


_FILLED = ("id", "name", "name_key", "domain", "current_values", "created_at", "segment", "priority")
_BLANK = ("external_id", "external_source", "status", "comments", "email", "linkedin_url", "city", "country")


def _account(pk: int, n: int, now: str | None) -> tuple[Any, ...]:
    """A row of `_FILLED` and `_BLANK`."""
    written = (SEGMENTS[n % len(SEGMENTS)], f"P{n % 4}")
    return (
        pk, f"Company {n}", f"company {n}", f"company{n}.com", _values(n), now, *written, *[""] * len(_BLANK),
    )  # fmt: skip


def _values(number: int) -> str:
    return json.dumps(dict(_entries(number)))


def _entries(number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for slug, make in world.ATTRIBUTES.items():
        value = make(number)
        yield slug, {
            "value": value, "display": str(value), "references": [f"https://source.example/{number}/{slug}"],
            "source": "first", "created_at": "2026-01-05T10:00:00Z",
        }  # fmt: skip


def _middle(sheet: int) -> int:
    """The id of the entry halfway down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (MIN(id) + MAX(id)) / 2 FROM crm_sheetentry WHERE sheet_id = %s", [sheet])
        return int(cursor.fetchone()[0])
