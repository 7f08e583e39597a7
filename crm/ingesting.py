"""Tasks carried out: an uploaded file becomes a run, filled by a worker and then enriched; or records are asked about.

Whoever executes a task gets the run at once, SCHEDULED; a worker imports the file into it, all of it or nothing. The
message to the worker may be lost or doubled: the sweep wakes runs that wait, and only one worker fills a run.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django_q.tasks import async_task

from crm import monitoring, researching
from crm.headers import HeaderError, Headers, recognise
from crm.models import IdealCustomerProfile, Sheet
from crm.profiles import KIND_OF, add_fields, asked_in, sheet_of
from crm.spreadsheets import Import, ImportRefused
from enrichment import bulk, runs
from enrichment.models import ApiKey, ApiSchedule, ApiTask, EnrichmentRun, RunOrigin, UploadedFile
from enrichment.names import custom_attributes, sources_called
from enrichment.people import NAMED_BY
from enrichment.registration import sync_sources
from enrichment.repeats import AGAIN, ENDED_BADLY, RETRIED
from enrichment.spending import capped, note_origin
from enrichment.uploads import FileRefused, path_of
from enrichment.wishes import wishes_of
from sources.attributes import BY_SLUG, Attribute, Kind
from sources.tables import Table, TableError, read

_log = logging.getLogger(__name__)

TYPES = ("ingest", "ingest-ondemand", monitoring.CSV)
"""The types of tasks whose runs come from a file."""
INGEST = "enrichment.tasks.ingest"
_MOST_STARTS = 3
_IDENTIFYING = {"name", "domain", "email", "linkedin_url", "company_linkedin_url", "external_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who executes a task, and with what; `parameters` may hold credit_limit, sources and unmatched."""

    profile: IdealCustomerProfile | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: ApiKey | None = None
    user: Any = None
    is_retry: bool = False
    schedule: ApiSchedule | None = None
    planned_at: datetime | None = None


@transaction.atomic
def execute(task: ApiTask, order: Order) -> EnrichmentRun:
    """A run of the task, or the one that the same request made a moment ago.

    A run that failed or was canceled is not given again. Raises RunRefused.
    """
    task = ApiTask.objects.select_for_update().get(pk=task.pk)
    profile = order.profile or task.profile
    if order.schedule is None and (before := _made_before(task, profile, order)):
        return before
    told = {"task": task, "config": task.config, "parameters": dict(order.parameters)}
    told |= {"schedule": order.schedule, "planned_at": order.planned_at}
    file = None
    if task.config.get("type") in TYPES:
        run, file = _new_run(task, profile, order)
        profile = profile or (run.sheet.profile if run.sheet else None)
    else:
        run, profile = _asking_run(task, profile, order)
    note_origin(run, order.key, profile=profile, file=file, **told)
    if file:
        transaction.on_commit(lambda: wake(run.pk))
    return run


def wake(run_id: int) -> None:
    """Tell a worker that a run waits for its file."""
    async_task(INGEST, run_id)


def fill(run_id: int) -> None:
    """Import the file of a run that is scheduled, and let its sources be asked; others than the first do nothing."""
    if not _count_start(run_id):
        return
    try:
        is_filled = _fill(run_id)
    except (ImportRefused, TableError, HeaderError, FileRefused) as error:
        _fail(run_id, str(error))
    else:
        if is_filled:
            runs.wake(run_id)


def sweep(now: datetime) -> int:
    """Wake the runs whose message was lost or whose worker died; how many."""
    late = EnrichmentRun.objects.filter(
        ~Q(origin=None), status=EnrichmentRun.Status.SCHEDULED, created_at__lt=now - timedelta(seconds=20)
    )
    ids = [pk for pk, summary in late.values_list("pk", "summary") if not _is_in_work(summary, now)]
    for pk in ids:
        wake(pk)
    return len(ids)


def _is_in_work(summary: Mapping[str, Any], now: datetime) -> bool:
    """Whether a worker may be filling the run: SQLite would let a second one wait for the first in vain."""
    if connection.features.has_select_for_update_skip_locked or "started" not in summary:
        return False
    return now - datetime.fromisoformat(summary["started"]) < timedelta(seconds=settings.TASK_TIMEOUT)


def kind_of(config: Mapping[str, Any]) -> Kind:
    """What a row of the task's file is."""
    return KIND_OF[config.get("csv_entity_type") or config["entity_type"]]


def _made_before(task: ApiTask, profile: IdealCustomerProfile | None, order: Order) -> EnrichmentRun | None:
    since = bulk.clock() - (RETRIED if order.is_retry else AGAIN)
    same = RunOrigin.objects.filter(
        task=task, key=order.key, schedule=None, hidden_at=None, parameters=dict(order.parameters), config=task.config,
        run__created_at__gt=since, run__undone_at=None,
    )  # fmt: skip
    if profile and task.config.get("type") != monitoring.SHEET:
        same = same.filter(profile=profile)
    origin = same.exclude(run__status__in=ENDED_BADLY).select_related("run").order_by("-pk").first()
    return origin.run if origin else None


def _new_run(
    task: ApiTask, profile: IdealCustomerProfile | None, order: Order
) -> tuple[EnrichmentRun, UploadedFile]:
    config: dict[str, Any] = task.config
    file = UploadedFile.objects.filter(pk=int(config["file_id"], 16)).first()
    if file is None:
        raise runs.RunRefused("The file of the task is no longer there: upload it again.")
    named = order.parameters.get("sources") or ()
    wishes = wishes_of(kind_of(config), attributes=(), sources=named, names_people=False)
    sources = list(wishes.sources)
    sheet = _sheet(task, profile, kind_of(config), file)
    is_watched, settings = config["type"] == monitoring.CSV, {}
    if is_watched:  # a company that nobody knows today may be known at the next look
        wanted, unmatched = monitoring.wanted_of(task), EnrichmentRun.Unmatched.CREATE
        settings = monitoring.settings_of(task, sources=sources)
    else:
        wanted, unmatched = _wanted_in(sheet, config), EnrichmentRun.Unmatched.DISCARD
    if wishes.people and wanted:
        wanted += [slug for slug in NAMED_BY if slug not in wanted]
    run = EnrichmentRun.objects.create(
        name=task.name[:200], kind=sheet.kind, sheet=sheet, status=EnrichmentRun.Status.SCHEDULED, wanted=wanted,
        sources=sources, unmatched=order.parameters.get("unmatched") or unmatched, source_settings=settings,
        asks_next=wishes.next if wishes.people else {},
        credit_limit=capped(order.key, order.parameters.get("credit_limit")), created_by=order.user, file_name=file.name,
    )  # fmt: skip
    return run, file


def _wanted_in(sheet: Sheet, config: Mapping[str, Any]) -> list[str]:
    """The attributes that a sheet wants, without those that the task ignores."""
    ignored = set(config.get("ignored_fields") or ())
    return list(dict.fromkeys(slug for name, slug in asked_in(sheet).items() if not {name, slug} & ignored))


def _asking_run(
    task: ApiTask, profile: IdealCustomerProfile | None, order: Order
) -> tuple[EnrichmentRun, IdealCustomerProfile | None]:
    """A run over records that are there, and their profile."""
    told: dict[str, Any] = {
        "profile": profile, "parameters": order.parameters, "user": order.user,
        "credit_limit": capped(order.key, order.parameters.get("credit_limit")),
    }  # fmt: skip
    match task.config.get("type"):
        case researching.TYPE:
            return researching.start(task, **told), profile
        case monitoring.SHEET | monitoring.TOPIC:
            sources = sources_called(order.parameters.get("sources") or ())
            return monitoring.start(task, sources=sources, **told)
    raise runs.RunRefused(f"A task of the type {task.config.get('type')} cannot be carried out.")


def _sheet(task: ApiTask, profile: IdealCustomerProfile | None, kind: Kind, file: UploadedFile) -> Sheet:
    """The task's sheet, else the profile's of that kind (made when missing), else a new one named after the file.

    A file that is watched gets a sheet of its own.
    """
    if task.config["type"] == monitoring.CSV:
        sheet = monitoring.sheet_of(task, profile, file)
    elif task.sheet:
        sheet = task.sheet
    elif profile:
        sheet = sheet_of(profile, kind)
    else:
        sheet = Sheet.objects.create(name=file.name[:200], kind=kind.value)
    if sheet.kind != kind.value:
        raise runs.RunRefused(
            f"The sheet {sheet.name} lists {sheet.kind}s, and the file's rows are {kind.value}s."
        )
    if fields := task.config.get("new_custom_fields"):
        add_fields(sheet, [{"field_type": "string", **each} for each in fields])
    return sheet


def _count_start(run_id: int) -> bool:
    """Count the start before the work, so that a file that kills its worker does so a few times only."""
    with transaction.atomic():
        run = _scheduled(run_id)
        if run is None:
            return False
        starts = int(run.summary.get("starts", 0)) + 1
        run.summary = run.summary | {"starts": starts, "started": bulk.clock().isoformat()}
        run.save(update_fields=["summary"])
    if starts > _MOST_STARTS:
        _fail(run_id, f"The file was given up: its worker ended {_MOST_STARTS} times.")
    return starts <= _MOST_STARTS


def _scheduled(run_id: int) -> EnrichmentRun | None:
    """The run, locked, when it still waits for its file and no other worker has it."""
    rows = EnrichmentRun.objects.filter(pk=run_id, status=EnrichmentRun.Status.SCHEDULED)
    can_skip = connection.features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=can_skip).first()


def _fill(run_id: int) -> bool:
    origin = RunOrigin.objects.select_related("file").get(run=run_id)
    if origin.file is None:
        raise FileRefused("The file of the task is no longer there: upload it again.")
    path = path_of(origin.file)
    sync_sources()
    custom = custom_attributes()
    table = read(path, name=origin.file.name)
    headers = headers_of(table, origin.config, custom)
    with transaction.atomic():
        run = _scheduled(run_id)
        if run is None or run.sheet is None:
            return False
        run.headers = [{"header": column.header, "field": column.field} for column in headers.columns]
        run.file_hash = hashlib.sha256(path.read_bytes()).hexdigest()
        run.status, run.started_at = EnrichmentRun.Status.RUNNING, bulk.clock()
        run.save(update_fields=["headers", "file_hash", "status", "started_at"])
        catalogue = {**BY_SLUG, **{each.slug: each for each in custom}}
        Import(run, table, headers, catalogue).store(run.sheet, open_items=True)
    return True


def headers_of(table: Table, config: Mapping[str, Any], custom: Iterable[Attribute]) -> Headers:
    """What the columns are; the primary column holds names unless it is another way to name a record.

    Raises HeaderError.
    """
    kind, primary = kind_of(config), config["primary_column"]
    told: dict[str, Any] = {"rows": table.rows[:200], "kind": kind, "custom": tuple(custom)}
    try:
        headers = recognise(table.header, **told)
    except HeaderError:
        headers = None
    if headers:
        column = next((each for each in headers.columns if each.header == primary), None)
        if column and column.kind is kind and column.field in _IDENTIFYING:
            return headers
    return recognise(table.header, mapping={primary: f"{kind.value}.name"}, **told)


def _fail(run_id: int, reason: str) -> None:
    rows = EnrichmentRun.objects.filter(pk=run_id, status=EnrichmentRun.Status.SCHEDULED)
    rows.update(status=EnrichmentRun.Status.FAILED, error=reason[:2000], finished_at=bulk.clock())
    _log.warning("The file could not be imported: %s", reason, extra={"run": run_id})
