from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm import timetable
from crm.timetable import ScheduleRefused, next_moment, normal_cron
from enrichment import tasks
from enrichment.models import ApiKey, ApiSchedule, EnrichmentRun, RunOrigin
from tests.api.test_tasks import make_task
from tests.api.world import make_profile

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def schedule(api) -> ApiSchedule:
    return make_schedule(api)


def make_schedule(api, **fields: Any) -> ApiSchedule:
    body = {
        "name": "Weekly",
        "task_id": make_task(api),
        "icp_id": make_profile(api),
        "cron_expression": "0 3 * * 1",
    }
    made = api.made("/v1/schedule", body | fields)
    return ApiSchedule.objects.get(pk=int(made["id"], 16))


def path(schedule: ApiSchedule) -> str:
    return f"/v1/schedule/{schedule.pk:024x}"


def runs_made() -> int:
    return EnrichmentRun.objects.count()


def test_a_schedule_is_made_read_changed_and_deleted(api, schedule):
    status, told = api.get(path(schedule))
    assert (status, told["status"], told["cron_expression"], told["parameters"]) == (
        200,
        "active",
        "0 3 * * 1",
        {},
    )
    status, told = api.call(
        "PATCH", path(schedule), {"name": None, "status": "paused", "cron_expression": "5 4 1 * *"}
    )
    assert (told["name"], told["status"], told["cron_expression"]) == ("Weekly", "paused", "5 4 1 * *")
    assert told["next_at"].endswith("-01T04:05:00Z")
    assert api.get("/v1/schedule?status=paused")[1]["total"] == 1
    assert api.get(f"/v1/schedule?task_id={schedule.task_id + 1:024x}")[1]["total"] == 0
    assert api.call("DELETE", path(schedule)) == (204, b"")
    assert api.get(path(schedule))[0] == 404


@pytest.mark.parametrize("cron", ["0 3 * * *", "0 3 * * 1", " 30  23 1 * *", "0 3 * * mon-fri"])
def test_crons_of_once_a_day_at_most_are_taken(cron):
    assert next_moment(normal_cron(cron), MONDAY) > MONDAY


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "0 * * * *",
        "0,5 3 * * *",
        "0 3 30 2 *",
        "0 3 * *",
        "0 0 3 * * *",
        "61 3 * * *",
        "r 3 * * *",
        "",
    ],
)
def test_other_crons_are_refused(cron):
    with pytest.raises(ScheduleRefused):
        normal_cron(cron)


def test_a_refused_cron_is_named(api):
    body = {
        "name": "x",
        "task_id": make_task(api),
        "icp_id": make_profile(api),
        "cron_expression": "* * * * *",
    }
    status, answer = api.post("/v1/schedule", body)
    assert (status, list(answer["errors"])) == (422, ["cron_expression"])
    assert api.post("/v1/schedule", body | {"task_id": "0" * 24})[1]["errors"].keys() == {"task_id"}


def test_a_moment_makes_one_run(api, schedule):
    timetable.sweep(schedule.next_at - timedelta(seconds=1))
    assert runs_made() == 0
    due = schedule.next_at
    timetable.sweep(due)
    timetable.sweep(due)
    (origin,) = RunOrigin.objects.all()
    assert (origin.planned_at, origin.schedule, origin.key) == (due, schedule, ApiKey.objects.get())
    schedule.refresh_from_db()
    assert schedule.next_at == due + timedelta(days=7)


def test_what_was_missed_is_made_up_for_once(schedule):
    timetable.sweep(schedule.next_at + timedelta(days=40))
    assert runs_made() == 1
    schedule.refresh_from_db()
    assert schedule.next_at > MONDAY


def test_a_moment_is_left_out_while_the_last_run_goes_on(schedule):
    timetable.sweep(schedule.next_at)
    timetable.sweep(schedule.next_at + timedelta(days=7))
    schedule.refresh_from_db()
    assert (runs_made(), "still going" in schedule.note) == (1, True)
    EnrichmentRun.objects.update(status="COMPLETED")
    timetable.sweep(schedule.next_at)
    schedule.refresh_from_db()
    assert (runs_made(), schedule.note) == (2, "")


def test_a_paused_schedule_does_not_fire_and_starts_anew(api, schedule):
    api.call("PATCH", path(schedule), {"status": "paused"})
    ApiSchedule.objects.update(next_at=MONDAY)
    tasks.sweep()
    assert runs_made() == 0
    api.call("PATCH", path(schedule), {"status": "active"})
    tasks.sweep()
    assert runs_made() == 0, "moments of the pause are not made up for"


def test_a_revoked_key_makes_no_runs(schedule):
    ApiKey.objects.update(revoked=True)
    timetable.sweep(schedule.next_at)
    schedule.refresh_from_db()
    assert (runs_made(), "revoked" in schedule.note) == (0, True)


def test_a_task_that_cannot_be_carried_out_says_why(api, schedule):
    schedule.task.config = {"type": "dance"}
    schedule.task.save()
    timetable.sweep(schedule.next_at)
    schedule.refresh_from_db()
    assert (runs_made(), "cannot be carried out" in schedule.note) == (0, True)


def test_schedules_need_the_scope_enrich(new_key, schedule):
    from tests.api.conftest import Api

    writer = Api(new_key("read", "write"))
    assert writer.call("PATCH", path(schedule), {"status": "paused"})[0] == 403
    assert writer.get(path(schedule))[0] == 200
