"""What clients of the REST API make, as the admin lists it: tasks, schedules, uploaded files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from crm.models import IdealCustomerProfile
from enrichment import uploads
from enrichment.models import ApiKey, ApiSchedule, ApiTask, EnrichmentRun, RunOrigin, UploadedFile
from tests import factories as make
from tests import people

pytestmark = pytest.mark.django_db
TASKS, SCHEDULES, FILES = (
    reverse(f"admin:enrichment_{name}_changelist") for name in ("apitask", "apischedule", "uploadedfile")
)
MONDAY = datetime(2026, 1, 5, 3, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def olive(client):
    client.force_login(people.make_olive())
    return client


def upload(name: str = "leads.csv", rows: int = 3) -> UploadedFile:
    text = "name,domain\n" + "".join(f"Company {n},company{n}.com\n" for n in range(rows))
    return uploads.keep([text.encode()], name=name, content_type="text/csv")


def make_task(file: UploadedFile | None = None, name: str = "Ingest leads") -> ApiTask:
    config = {"type": "ingest", "primary_column": "name", "csv_entity_type": "company"}
    if file:
        config["file_id"] = f"{file.pk:024x}"
    return ApiTask.objects.create(name=name, flow="ingest", deployment="main", config=config)


def make_schedule(task: ApiTask, **fields) -> ApiSchedule:
    profile = IdealCustomerProfile.objects.get_or_create(name="Software")[0]
    defaults = {"name": "Weekly", "cron": "0 3 * * 1", "next_at": MONDAY}
    return ApiSchedule.objects.create(task=task, profile=profile, **(defaults | fields))


def execute(task: ApiTask, *, status: str = "COMPLETED", **fields) -> EnrichmentRun:
    run = make.make_run(name=task.name, status=status)
    RunOrigin.objects.create(run=run, task=task, **fields)
    return run


def path_of(row) -> str:
    return reverse(f"admin:enrichment_{row._meta.model_name}_change", args=[row.pk])


def read(client, url, **query) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_tasks_show_their_file_schedules_and_runs(olive):
    file = upload()
    task, other = make_task(file), make_task(name="Never executed")
    schedule = make_schedule(task)
    execute(task, file=file)
    run = execute(task, status="RUNNING", schedule=schedule, planned_at=MONDAY)
    make.make_run(name="Somebody else's")

    page = read(olive, TASKS)
    for each in ("Ingest leads", "leads.csv", path_of(file), path_of(run), "running", "none yet"):
        assert each in page, each
    assert f"{reverse('admin:enrichment_apischedule_changelist')}?task__id__exact={task.pk}" in page
    assert other.name not in read(olive, TASKS, q="leads")
    runs = read(olive, reverse("admin:enrichment_enrichmentrun_changelist"), origin__task=task.pk)
    assert runs.count("Ingest leads") >= 2
    assert "Somebody else" not in runs
    assert "&quot;primary_column&quot;: &quot;name&quot;" in read(olive, path_of(task))


def test_schedules_show_their_next_and_last_firing_and_whose_key_they_use(olive):
    sam = User.objects.create_user("sam")
    key = ApiKey.objects.create_key(name="Nightly", scopes=["enrich"], owner=sam)[0]
    task = make_task()
    weekly = make_schedule(task, key=key, note="Skipped: run 1 of the last moment is still going.")
    make_schedule(task, name="Monthly", cron="0 3 1 * *", status="paused")
    run = execute(task, schedule=weekly, planned_at=MONDAY)

    page = read(olive, SCHEDULES)
    for each in ("0 3 * * 1", "Mon 5 Jan 2026, 03:00 UTC", path_of(run), "is still going", "Nightly", "sam"):
        assert each in page, each
    assert "none while paused" in page
    assert "a signed-in admin" in page
    assert "Weekly" not in read(olive, SCHEDULES, status__exact="paused")

    ApiKey.objects.update(revoked=True)
    assert "(revoked)" in read(olive, path_of(weekly))


def test_a_person_pauses_and_resumes_a_schedule_and_changes_nothing_else(olive):
    schedule = make_schedule(make_task())
    olive.post(path_of(schedule), {"status": "paused", "cron": "0 4 * * *", "name": "Mine"})
    schedule.refresh_from_db()
    assert (schedule.status, schedule.cron, schedule.name) == ("paused", "0 3 * * 1", "Weekly")
    assert schedule.next_at == MONDAY

    olive.post(path_of(schedule), {"status": "active"})
    schedule.refresh_from_db()
    assert schedule.status == "active"
    assert schedule.next_at > MONDAY


def test_files_show_size_rows_and_who_needs_them(olive):
    used, unused = upload("used.csv", rows=1200), upload("unused.csv")
    task = make_task(used)
    execute(task, file=used)

    page = read(olive, FILES)
    for each in ("used.csv", "1,200", "KB", path_of(task), "no task", "needed", "may be deleted"):
        assert each in page, each
    assert "name, domain" in read(olive, path_of(unused))
    runs = read(olive, reverse("admin:enrichment_enrichmentrun_changelist"), origin__file=used.pk)
    assert "Ingest leads" in runs


def test_only_a_file_that_nothing_needs_is_deleted(olive):
    file = upload()
    stored = Path(settings.MEDIA_ROOT) / "api" / file.stored
    task = make_task(file)
    delete = reverse("admin:enrichment_uploadedfile_delete", args=[file.pk])
    assert olive.post(delete, {"post": "yes"}).status_code == 403
    with pytest.raises(uploads.FileRefused, match="still needed"):
        uploads.drop(file)

    task.delete()
    run = make.make_run(status="RUNNING")
    RunOrigin.objects.create(run=run, file=file)
    assert olive.post(delete, {"post": "yes"}).status_code == 403

    EnrichmentRun.objects.update(status="COMPLETED")
    assert stored.is_file()
    assert olive.post(delete, {"post": "yes"}).status_code == 302
    assert not UploadedFile.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deleted_file_is_gone_from_the_disk():
    file = upload()
    stored = uploads.path_of(file)
    uploads.drop(file)
    assert not stored.exists()


def test_lists_cost_the_same_for_any_number_of_rows(olive, django_assert_max_num_queries):
    for many in (1, 20):
        for n in range(many):
            file = upload(f"{many}-{n}.csv")
            task = make_task(file, name=f"Task {many}-{n}")
            execute(task, file=file, schedule=make_schedule(task), planned_at=MONDAY)
        for url, most in ((TASKS, 10), (SCHEDULES, 8), (FILES, 8)):
            with django_assert_max_num_queries(most):
                read(olive, url)


@pytest.mark.parametrize("url", [TASKS, SCHEDULES, FILES])
def test_empty_lists_name_the_call_that_fills_them(olive, url):
    assert "Clients of the REST API make" in read(olive, url)


def test_tasks_and_files_are_not_made_or_changed_by_hand(olive):
    task, file = make_task(), upload()
    for row in (task, file):
        assert olive.post(path_of(row), {"name": "Mine"}).status_code == 403
        add = reverse(f"admin:enrichment_{row._meta.model_name}_add")
        assert olive.get(add).status_code == 403


def test_who_may_only_look_pauses_nothing(client):
    client.force_login(people.make_victor())
    schedule = make_schedule(make_task())
    assert "Weekly" in read(client, SCHEDULES)
    assert client.post(path_of(schedule), {"status": "paused"}).status_code == 403
