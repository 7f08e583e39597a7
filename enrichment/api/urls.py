"""Addresses below /v1."""

from __future__ import annotations

from django.urls import path, re_path, register_converter
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from crm.api import entities, profiles, records, sheet_entities, sheet_fields, sheets
from enrichment.api import files, runs, schedules, signals, sources, starting, tasks, values
from enrichment.api.errors import no_such_address
from enrichment.api.ids import IdConverter
from enrichment.api.key import KeyView

register_converter(IdConverter, "hex24")

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path(
        "redoc",
        SpectacularRedocView.as_view(url_name="api-schema", template_name="footnote/redoc.html"),
        name="api-redoc",
    ),
    path("key", KeyView.as_view(), name="api-key"),
    path("icp", profiles.IcpList.as_view()),
    path("icp/<hex24:icp_id>", profiles.IcpOne.as_view()),
    path("icp/<hex24:icp_id>/active_runs", profiles.IcpActiveRuns.as_view()),
    path("sheet", sheets.SheetList.as_view()),
    path("sheet/schema/default", sheet_fields.DefaultSchema.as_view()),
    path("sheet/schema/field", sheet_fields.FieldTypes.as_view()),
    path("sheet/schema/<hex24:sheet_id>", sheet_fields.SheetSchema.as_view()),
    path("sheet/<hex24:sheet_id>", sheets.SheetOne.as_view()),
    path("sheet/<hex24:sheet_id>/entities", entities.SheetEntities.as_view()),
    path("sheet/<hex24:sheet_id>/entity/<hex24:entity_id>", sheet_entities.SheetEntity.as_view()),
    path(
        "sheet/<hex24:sheet_id>/entity/<hex24:entity_id>/comments",
        sheet_entities.SheetEntityComments.as_view(),
    ),
    path(
        "sheet/<hex24:sheet_id>/entity/<hex24:entity_id>/status", sheet_entities.SheetEntityStatus.as_view()
    ),
    path("sheet/<hex24:sheet_id>/export-csv", entities.SheetExport.as_view()),
    path("entity", entities.EntityList.as_view()),
    path("entity/status/bulk", entities.EntityStatuses.as_view()),
    path("entity/counts", entities.EntityCounts.as_view()),
    path("entity/search", entities.EntitySearch.as_view()),
    path("entity/export", entities.EntityExport.as_view()),
    path("entity/<hex24:entity_id>", entities.EntityOne.as_view()),
    path("files", files.FileList.as_view()),
    path("files/upload", files.FileUpload.as_view()),
    path("files/<hex24:file_id>", files.FileOne.as_view()),
    path("task", tasks.TaskList.as_view()),
    path("task/<hex24:task_id>", tasks.TaskOne.as_view()),
    path("task/<hex24:task_id>/execute", tasks.TaskExecute.as_view()),
    path("run", starting.RunStart.as_view()),
    path("run/<hex24:run_id>", runs.RunOne.as_view()),
    path("run/<hex24:run_id>/queue", runs.RunQueue.as_view()),
    path("run/<hex24:run_id>/queue/<hex24:item_id>", runs.RunItemDecide.as_view()),
    path("run/<hex24:run_id>/cancel", runs.RunCancel.as_view()),
    path("run/<hex24:run_id>/pause", runs.RunPause.as_view()),
    path("run/<hex24:run_id>/resume", runs.RunResume.as_view()),
    path("run/<hex24:run_id>/undo", runs.RunUndo.as_view()),
    path("plan", starting.Plan.as_view()),
    path("schedule", schedules.ScheduleList.as_view()),
    path("schedule/<hex24:schedule_id>", schedules.ScheduleOne.as_view()),
    path("signal", signals.SignalList.as_view()),
    path("signal/<hex24:signal_id>", signals.SignalOne.as_view()),
    path("account", records.AccountList.as_view()),
    path("account/bulk", records.AccountBulk.as_view()),
    path("account/<hex24:record_id>", records.AccountOne.as_view()),
    path("contact", records.ContactList.as_view()),
    path("contact/bulk", records.ContactBulk.as_view()),
    path("contact/<hex24:record_id>", records.ContactOne.as_view()),
    path("source", sources.SourceList.as_view()),
    path("source/<slug:slug>", sources.SourceOne.as_view()),
    path("value", values.ValueList.as_view()),
    path("value/pin", values.ValuePin.as_view()),
    path("value/release", values.ValueRelease.as_view()),
    re_path("", no_such_address),
]
