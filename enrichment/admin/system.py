"""Users, groups and the queue, in the look of the rest.

django-q2's rows are to look at only, and for superusers: a schedule's function field runs any dotted path.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from enrichment.admin.base import ReadOnlyAdmin, column
from enrichment.models import Heartbeat

admin.site.index_title = "Overview"
admin.site.empty_value_display = "–"

for model in (User, Group, Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Who may come in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Rights in sets."""


class _SuperusersOnlyAdmin(ReadOnlyAdmin):
    """To look at, for superusers."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(Schedule)
class ScheduleAdmin(_SuperusersOnlyAdmin):
    """What django-q2 wakes by the clock."""

    list_display = ("name", "func", "schedule_type", "next_run")
    empty_hint = "Nothing is scheduled: the workers make their schedules when they start (manage.py up)."


class _TaskAdmin(_SuperusersOnlyAdmin):
    list_display = ("name", "func", "started", "stopped", "seconds")
    search_fields = ("name", "func")
    fields = (
        "name",
        "func",
        "args",
        "kwargs",
        "started",
        "stopped",
        "seconds",
        "result_text",
        "attempt_count",
    )
    empty_hint = "Nothing here."

    @column(description="Seconds")
    def seconds(self, task: Any) -> str:
        return f"{task.time_taken():.2f}"

    @column(description="Result")
    def result_text(self, task: Any) -> str:
        return str(task.result)[:20_000]


@admin.register(Success)
class SuccessAdmin(_TaskAdmin):
    """Tasks that ended well."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(success=True)


@admin.register(Failure)
class FailureAdmin(_TaskAdmin):
    """Tasks that failed."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(success=False)


@admin.register(OrmQ)
class QueueAdmin(_SuperusersOnlyAdmin):
    """Tasks that wait for a worker; what they carry is not unpacked here."""

    list_display = ("id", "key", "lock")
    fields = ("key", "lock")
    empty_hint = "The queue is empty."


@admin.register(Heartbeat)
class HeartbeatAdmin(_SuperusersOnlyAdmin):
    """When each part of the installation last did its work."""

    list_display = ("name", "at")
    empty_hint = "No worker has run yet: start one with manage.py up."
