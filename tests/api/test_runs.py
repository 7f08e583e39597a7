from __future__ import annotations

import pytest

from enrichment import runs
from enrichment.models import AttributeValue, EnrichmentRun, WebhookDelivery, WebhookEndpoint
from sources.attributes import Kind
from tests.api.world import list_account, make_profile, make_sheet
from tests.factories import make_account, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(fakes) -> EnrichmentRun:
    """A run that is pending."""
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 7})
    make_source("fake", rank=10, cost=2, cadence="monthly")
    return runs.start(
        kind=Kind.ACCOUNT,
        records=type(account := make_account(domain="acme.com")).objects.filter(pk=account.pk),
    )


def path(run: EnrichmentRun, act: str = "") -> str:
    return f"/v1/run/{run.pk:024x}" + (f"/{act}" if act else "")


def finish(run: EnrichmentRun) -> None:
    assert not runs.work(run.pk, until=lambda: False)


def test_runs_of_every_origin_are_told_of(api, run):
    finish(run)
    status, told = api.get(path(run))
    assert (status, told["status"], told["task_type"], told["task_id"]) == (200, "COMPLETED", "enrich", None)
    assert told["output"]["credits"] == {"total_credits": 2, "breakdown": {"fake": 2}}
    assert told["output"]["run_time"] >= 0
    assert told["progress"] == {"completed": 1, "total": 1, "percent": 100, "by_state": {"completed": 1}}
    listed = api.get("/v1/run")[1]["runs"]
    assert [each["id"] for each in listed] == [told["id"]]


def test_runs_are_filtered_and_sorted(api, run):
    other = make_run(status="FAILED", asks=False, error="broke")

    def found(query: str) -> list[str]:
        status, page = api.get(f"/v1/run?{query}")
        assert status == 200, page
        return [each["id"] for each in page["runs"]]

    first, second = f"{run.pk:024x}", f"{other.pk:024x}"
    assert found("") == [second, first]
    assert found("status=FAILED,PENDING&order=1&sort_by=created_at") == [first, second]
    assert found("status=FAILED") == found("task_type=write") == [second]
    assert found("task_type=enrich") == [first]
    assert (
        found("agent_type=play")
        == found("task_id=" + "0" * 23 + "1")
        == found("icp_id=" + "0" * 23 + "1")
        == []
    )
    assert found("updated_after=2000-01-01") == found("updated_after=2000-01-01T00:00:00Z&sort_by=updated_at")
    assert found("created_before=2000-01-01T00:00:00Z") == []
    assert api.get("/v1/run?status=DONE")[0] == 422


def test_a_run_is_paused_resumed_and_canceled(api, run):
    assert api.post(path(run, "pause"))[1]["status"] == "PAUSED"
    assert api.post(path(run, "pause"))[0] == 409
    assert api.post(path(run, "resume"))[1]["status"] == "RUNNING"
    assert api.post(path(run, "cancel")) == (204, b"")
    assert api.get(path(run))[1]["status"] == "CANCELED"
    assert api.post(path(run, "cancel")) == (204, b""), "canceling twice is as good as once"
    assert api.post(path(run, "resume"))[0] == 409


def test_undoing_takes_the_values_back(api, run):
    WebhookEndpoint.objects.create(name="CRM", url="https://crm.example.com/", events=["run.undone"])
    assert api.post(path(run, "undo"))[1]["code"] == "run_active"
    finish(run)
    assert AttributeValue.objects.filter(retracted_at=None).count() == 1
    status, undone = api.post(path(run, "undo"))
    assert (status, undone["records"], undone["current_values"]) == (200, 1, 1)
    assert not AttributeValue.objects.filter(retracted_at=None).exists()
    assert api.get(path(run))[1]["undone_at"] is not None
    assert WebhookDelivery.objects.get().event == "run.undone"


def test_a_deleted_run_is_not_listed_and_its_claims_stay(api, run):
    assert api.call("DELETE", path(run))[1]["code"] == "run_active"
    finish(run)
    assert api.call("DELETE", path(run)) == (204, b"")
    assert api.get(path(run))[0] == api.get(path(run, "queue"))[0] == api.post(path(run, "undo"))[0] == 404
    assert api.get("/v1/run")[1]["total"] == 0
    assert AttributeValue.objects.filter(run=run).exists()


def test_a_long_queue_is_read_in_parts(api, fakes):
    sheet = make_sheet(api, make_profile(api))
    ids = [list_account(sheet, name=f"A{n}")[1].pk for n in range(5)]
    fakes["fake"] = FakeSource("fake")
    make_source("fake", rank=10)
    long = runs.start(kind=Kind.ACCOUNT, records=make_account().__class__.objects.filter(pk__in=ids))
    _, part = api.get(path(long, "queue?limit=2&offset=3"))
    assert ([item["position"] for item in part["entities"]], part["total"]) == ([4, 5], 5)
    assert part["state_counts"] == {"queued": 5}
    for query in ("limit=0", "limit=1001", "offset=-1", "state=lost"):
        assert api.get(path(long, f"queue?{query}"))[0] == 422


def test_steering_needs_the_scope_enrich(new_key, run):
    from tests.api.conftest import Api

    reader = Api(new_key("read", "write"))
    for act in ("pause", "resume", "cancel", "undo"):
        assert reader.post(path(run, act))[0] == 403
    assert reader.call("DELETE", path(run))[0] == 403
