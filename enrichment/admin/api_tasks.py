"""Tasks and schedules that clients of the REST API made: to look at, to pause, and to delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, Max
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AllValuesCheckboxFilter, ChoicesDropdownFilter

from crm.timetable import write_schedule
from enrichment.admin.base import FootnoteAdmin, column
from enrichment.admin.evidence import count_link, json_block, row_link
from enrichment.models import ApiSchedule, ApiTask, EnrichmentRun, RunOrigin
from enrichment.uploads import files_of

Ran = tuple[int, EnrichmentRun, datetime | None]
"""How many runs a task or schedule made, the newest of them, and the newest moment they were planned for."""

NO_CLIENT = "Clients of the REST API make {} with {}; see the documentation at /v1/docs."


@admin.register(ApiTask)
class ApiTaskAdmin(FootnoteAdmin):
    """What clients of the REST API want done again and again; they write tasks, people look at them."""

    list_display = (
        "name",
        "flow",
        "kind",
        "profile",
        "file",
        "schedules_made",
        "runs_made",
        "last_run",
        "created_at",
    )
    list_filter = (("flow", AllValuesCheckboxFilter),)
    list_select_related = ("profile", "sheet")
    search_fields = ("name", "description")
    search_help_text = "Name or description"
    fields = (
        "name", "description", "flow", "deployment", "profile", "sheet", "file", "prompt", "configuration",
        "schedules_made", "runs_made", "last_run", "created_at", "updated_at",
    )  # fmt: skip
    empty_hint = NO_CLIENT.format("tasks", "POST /v1/task")
    empty_links = (("API keys", "admin:enrichment_apikey_changelist", "enrichment.view_apikey"),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tasks come from clients."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The client that wrote a task relies on it."""
        return False

    def complete_page(self, objects: Sequence[ApiTask]) -> None:
        """The files, schedules and runs of the tasks of a page; a fixed number of queries."""
        files, ran = files_of(objects), _ran("task", objects)
        rows = (
            ApiSchedule.objects.filter(task__in=objects).order_by().values_list("task").annotate(Count("pk"))
        )
        schedules = dict(rows)
        for task in objects:
            task.known = (files.get(task.pk), schedules.get(task.pk, 0), ran.get(task.pk))  # type: ignore[attr-defined]

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        """A task with what its page shows beside it."""
        task = super().get_object(*args, **kwargs)
        if task is not None:
            self.complete_page([task])
        return task

    @column(description="Type")
    def kind(self, task: ApiTask) -> str:
        """What is done, as the client wrote it."""
        return str(task.config.get("type", "–"))

    @column(description="File")
    def file(self, task: ApiTask) -> SafeString | str:
        """The file whose rows are enriched."""
        known, _, _ = task.known  # type: ignore[attr-defined]
        return row_link("uploadedfile", known.pk, known) if known else "–"

    @column(description="Schedules")
    def schedules_made(self, task: ApiTask) -> SafeString | str:
        """How many schedules execute it, leading to them."""
        _, count, _ = task.known  # type: ignore[attr-defined]
        return count_link("apischedule", {"task__id__exact": task.pk}, count)

    @column(description="Runs")
    def runs_made(self, task: ApiTask) -> SafeString | str:
        """How many runs it made, leading to them."""
        _, _, ran = task.known  # type: ignore[attr-defined]
        return count_link("enrichmentrun", {"origin__task": task.pk}, ran[0] if ran else 0)

    @column(description="Last run")
    def last_run(self, task: ApiTask) -> SafeString | str:
        """The newest run, with its status."""
        _, _, ran = task.known  # type: ignore[attr-defined]
        return _run_link(ran)

    @column(description="Configuration")
    def configuration(self, task: ApiTask) -> SafeString:
        """What the client told it, as JSON."""
        return json_block(task.config)


@admin.register(ApiSchedule)
class ApiScheduleAdmin(FootnoteAdmin):
    """When tasks are executed by themselves; people may pause a schedule, its client writes the rest."""

    list_display = (
        "name",
        "status_label",
        "task",
        "rhythm",
        "next_firing",
        "last_firing",
        "note",
        "key_owner",
    )
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("task", "key__owner")
    search_fields = ("name", "description", "task__name")
    search_help_text = "Name, description or task"
    fields = (
        "name", "status", "description", "task", "profile", "rhythm", "parameters_text", "next_firing", "last_firing",
        "note", "key_owner", "created_at", "updated_at",
    )  # fmt: skip
    empty_hint = NO_CLIENT.format("schedules", "POST /v1/schedule")
    empty_links = (("API tasks", "admin:enrichment_apitask_changelist", "enrichment.view_apitask"),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All but the status."""
        return tuple(name for name in self.fields if name != "status")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Schedules come from clients."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiSchedule, form: Any, change: bool) -> None:
        """A schedule that goes on counts from now; what a pause left out is not made up for."""
        write_schedule(ApiSchedule.objects.get(pk=obj.pk), {"status": obj.status})

    def complete_page(self, objects: Sequence[ApiSchedule]) -> None:
        """The runs of the schedules of a page; a fixed number of queries."""
        ran = _ran("schedule", objects)
        for schedule in objects:
            schedule.ran = ran.get(schedule.pk)  # type: ignore[attr-defined]

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        """A schedule with its last run."""
        schedule = super().get_object(*args, **kwargs)
        if schedule is not None:
            self.complete_page([schedule])
        return schedule

    @column(
        description="Status",
        ordering="status",
        label={"active": "success", "paused": "warning", "disabled": "default"},
    )
    def status_label(self, schedule: ApiSchedule) -> str:
        """Whether it fires."""
        return str(schedule.status)

    @column(description="Rhythm, in UTC", ordering="cron")
    def rhythm(self, schedule: ApiSchedule) -> str:
        """The five fields of its cron."""
        return schedule.cron

    @column(description="Next firing", ordering="next_at")
    def next_firing(self, schedule: ApiSchedule) -> str:
        """When it makes its next run."""
        is_active = schedule.status == ApiSchedule.Status.ACTIVE
        return _moment(schedule.next_at) if is_active else f"none while {schedule.status}"

    @column(description="Last firing")
    def last_firing(self, schedule: ApiSchedule) -> SafeString | str:
        """The newest moment that made a run, and that run."""
        ran: Ran | None = schedule.ran  # type: ignore[attr-defined]
        if ran is None:
            return "none yet"
        return format_html("<div>{}: {}</div>", _moment(ran[2]) if ran[2] else "by hand", _run_link(ran))

    @column(description="Key and owner", ordering="key__name")
    def key_owner(self, schedule: ApiSchedule) -> SafeString | str:
        """The API key with whose limits it runs, and whose key that is."""
        key = schedule.key
        if key is None:
            return "a signed-in admin"
        state = " (revoked)" if key.revoked else " (expired)" if key.has_expired else ""
        return format_html(
            "<div>{}{}, {}</div>", row_link("apikey", key.pk, key.name), state, key.owner or "nobody's"
        )

    @column(description="Parameters")
    def parameters_text(self, schedule: ApiSchedule) -> SafeString:
        """What each run is told, as JSON."""
        return json_block(schedule.parameters)


def _ran(column: str, rows: Sequence[ApiTask] | Sequence[ApiSchedule]) -> Mapping[int, Ran]:
    """Of each task or schedule what it made, as `Ran`, in two queries; those that made nothing are not in it."""
    made = RunOrigin.objects.filter(**{f"{column}__in": rows}).order_by()
    counts = list(made.values_list(column).annotate(Count("run"), Max("run"), Max("planned_at")))
    runs = EnrichmentRun.objects.in_bulk([newest for _, _, newest, _ in counts])
    return {pk: (count, runs[newest], at) for pk, count, newest, at in counts if newest in runs}


def _run_link(ran: Ran | None) -> SafeString | str:
    if ran is None:
        return "none yet"
    run = ran[1]
    return format_html(
        "<span>{} {}</span>", row_link("enrichmentrun", run.pk, f"run {run.pk}"), run.get_status_display()
    )


def _moment(at: datetime) -> str:
    return f"{date_format(at, 'D j M Y, H:i')} {at.tzname()}"
