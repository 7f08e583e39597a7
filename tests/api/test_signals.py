from __future__ import annotations

import pytest
from django.utils import timezone

from enrichment import claims, runs, signals
from enrichment.models import ApiTask, CustomAttribute, EnrichmentRun, RunOrigin, Signal, SignalRule
from tests.api.world import list_account, make_profile, make_sheet, make_surge, tell
from tests.factories import make_answer, make_run, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def surge(api) -> dict[str, str]:
    """A signal about an account in a sheet: its headcount went from 10 to 50."""
    sheet = make_sheet(api, make_profile(api))
    entity, account = list_account(sheet, {"external_id": "7", "external_source": "Salesforce"}, name="Acme")
    return {"entity": entity, "icp": f"{sheet.profile_id:024x}", "run": f"{make_surge(account):024x}"}


def test_a_signal_tells_both_values_with_their_references(api, surge):
    status, page = api.get("/v1/signal")
    assert (status, page["total"]) == (200, 1)
    (signal,) = page["signals"]
    assert (signal["signal_type"], signal["entity_ids"], signal["icp_id"]) == (
        "hiring_surge",
        [surge["entity"]],
        surge["icp"],
    )
    assert (signal["metadata"]["old"]["value"], signal["metadata"]["new"]["value"]) == (10, 50)
    assert signal["references"] == ["https://example.com/30", "https://example.com/0"]
    assert api.get(f"/v1/signal/{signal['id']}") == (200, signal)
    assert api.get(f"/v1/run/{surge['run']}")[1]["output"]["resources"]["signals_created"] == [signal["id"]]


def test_signals_are_filtered(api, surge):
    def total(query: str) -> int:
        status, page = api.get(f"/v1/signal?{query}")
        assert status == 200, page
        return int(page["total"])

    hits = (f"icp_id={surge['icp']}", f"entity_id={surge['entity']}", "external_id=7", "signal_type=hiring_surge", "days=1",
            "search_term=acme", "sort_by=strength&order=1")  # fmt: skip
    assert [total(query) for query in hits] == [1] * len(hits)
    misses = (
        "icp_id=" + "f" * 12 + "0" * 12,
        "external_id=7&external_source=hubspot",
        "signal_type=layoff",
        "strength=LOW",
    )
    assert [total(query) for query in misses[1:]] == [0, 0, 0]
    assert api.get(f"/v1/signal?{misses[0]}")[0] == api.get("/v1/signal?signal_type=dance")[0] == 422


def test_what_was_undone_is_no_signal(api, surge):
    (signal,) = api.get("/v1/signal")[1]["signals"]
    assert api.post(f"/v1/run/{surge['run']}/undo")[0] == 200
    assert api.get("/v1/signal")[1]["total"] == 0
    assert api.get(f"/v1/signal/{signal['id']}")[0] == 404


def watching(api, icp: str, *types: str, **fields):
    config = {
        "type": "signal-sheet", "source_icp_id": icp, "monitoring_frequency": "daily",
        "signal_types": [{"type": each, "display": f"Watch {each}", "description": "d"} for each in types],
    }  # fmt: skip
    return api.post("/v1/task", {"name": "Watch", "flow_name": "signal", "task_config": config | fields})


def test_a_signal_task_sets_rules_and_asks_for_what_they_look_at(api, fakes):
    sheet = make_sheet(api, make_profile(api))
    _, account = list_account(sheet, name="Acme", domain="acme.com")
    list_account(make_sheet(api, make_profile(api)), name="Other", domain="other.com")
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 50})
    before = make_answer(account.pk, make_source("fake", rank=1, cadence="monthly").pk, 0, headcount=10)
    claims.record(run=make_run().pk, kind=account.kind, answers=[before])
    status, task = watching(api, f"{sheet.profile_id:024x}", "hiring_surge")
    assert (status, task["task_config"]["entity_type"]) == (201, "company")
    rules = SignalRule.objects.filter(task=int(task["id"], 16))
    assert {rule.profile_id for rule in rules} == {sheet.profile_id}
    assert {rule.name for rule in rules} == {"Watch hiring_surge"}
    run_id = api.post(f"/v1/task/{task['id']}/execute", {})[1]["run_id"]
    run = EnrichmentRun.objects.get(pk=int(run_id, 16))
    assert run.wanted == ["headcount", "employee_growth_6mo"]
    runs.work(run.pk, until=lambda: False)
    signals.scan(run.pk)
    (signal,) = api.get("/v1/signal?signal_type=hiring_surge")[1]["signals"]
    assert (signal["metadata"]["new"]["value"], signal["metadata"]["record_id"]) == (50, f"{account.pk:024x}")
    assert api.get(f"/v1/run/{run_id}")[1]["task_type"] == "signal"
    api.call("PUT", f"/v1/task/{task['id']}", {"task_config": task["task_config"] | {"signal_types": [
        {"type": "layoff", "display": "Fewer", "description": ""}]}})  # fmt: skip
    assert [rule.type for rule in rules.all()] == ["layoff"]
    assert api.call("DELETE", f"/v1/task/{task['id']}")[0] == 204
    assert not SignalRule.objects.exclude(task=None).exists()


def test_a_signal_task_that_makes_no_sense_is_refused(api):
    icp = make_profile(api)
    status, answer = watching(api, icp, "dance")
    assert (status, answer["errors"].keys()) == (422, {"task_config.signal_types.0.type"})
    assert watching(api, "0" * 24, "funding")[1]["errors"].keys() == {"task_config.source_icp_id"}
    status, answer = watching(api, icp, "funding", entity_filters={"$where": "1"})
    assert (status, answer["errors"].keys()) == (422, {"task_config.entity_filters"})
    assert watching(api, icp, "product_launch", entity_type="person")[1]["errors"].keys() == {
        "task_config.entity_type"
    }
    assert not SignalRule.objects.exclude(task=None).exists()


def test_a_signal_task_watches_those_its_filters_mean(api, fakes):
    sheet = make_sheet(api, make_profile(api))
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 50}, bolt_io={"headcount": 50})
    source = make_source("fake", rank=1, cadence="monthly")
    accounts = [
        list_account(sheet, {"status": status}, name=name, domain=domain, industry="SaaS")[1]
        for name, domain, status in (("Acme", "acme.com", "reviewed"), ("Bolt", "bolt.io", "passed"))
    ]
    for account in accounts:
        before = make_answer(account.pk, source.pk, 0, headcount=10)
        claims.record(run=make_run().pk, kind=account.kind, answers=[before])
    filters = {"status": {"$ne": "passed"}, "data.industry.value": "saas"}
    _, task = watching(api, f"{sheet.profile_id:024x}", "hiring_surge", entity_filters=filters)
    assert task["task_config"]["entity_filters"] == filters
    SignalRule.objects.filter(task=None).delete()
    run = EnrichmentRun.objects.get(pk=int(api.post(f"/v1/task/{task['id']}/execute", {})[1]["run_id"], 16))
    assert [item.account_id for item in run.items.all()] == [accounts[0].pk]
    other = make_run()  # another run learns of both, and the rules of the task look at the one
    answers = [make_answer(account.pk, source.pk, 40, headcount=90) for account in accounts]
    claims.record(run=other.pk, kind=accounts[0].kind, answers=answers)
    EnrichmentRun.objects.filter(pk=other.pk).update(status="COMPLETED", finished_at=timezone.now())
    signals.scan(other.pk)
    assert [each["metadata"]["record_id"] for each in api.get("/v1/signal")[1]["signals"]] == [
        f"{accounts[0].pk:024x}"
    ]


def test_a_task_takes_its_own_attributes_along_unless_they_have_a_history(api):
    sheet = make_sheet(api, make_profile(api))
    _, account = list_account(sheet, name="Acme")
    icp = f"{sheet.profile_id:024x}"

    def slugs() -> list[str]:
        own = CustomAttribute.objects.filter(slug__startswith="watch_").order_by("slug")
        return list(own.values_list("slug", flat=True))

    _, task = watching(api, icp, "award", "partnership")
    number = int(task["id"], 16)
    assert slugs() == [f"watch_{number}_award", f"watch_{number}_partnership"]
    tell(account, 0, **{f"watch_{number}_award": ["Won a prize"]})
    RunOrigin.objects.create(run=EnrichmentRun.objects.latest("pk"), task_id=number)
    EnrichmentRun.objects.update(status="COMPLETED")
    config = task["task_config"] | {"signal_types": task["task_config"]["signal_types"][:1]}
    assert api.call("PUT", f"/v1/task/{task['id']}", {"task_config": config})[0] == 204
    assert slugs() == [f"watch_{number}_award"]
    assert api.call("DELETE", f"/v1/task/{task['id']}")[0] == 204
    assert slugs() == [f"watch_{number}_award"]
    watching(api, icp, "pivot", icp_id=icp)
    ApiTask.objects.all().delete()
    assert slugs() == [f"watch_{number}_award"]


def test_signals_are_sorted_by_strength(api, surge):
    signal = Signal.objects.get()
    for strength, slug in (("LOW", "a"), ("HIGH", "b"), ("MEDIUM", "c")):
        signal.pk, signal.strength, signal.attribute = None, strength, slug
        signal.save()
    told = api.get("/v1/signal?sort_by=strength&order=1")[1]["signals"]
    assert [each["strength"] for each in told] == ["LOW", "MEDIUM", "HIGH", "HIGH"]
