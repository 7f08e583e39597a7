"""Signal tasks that read pages: questions really asked over the wire, and counted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import linkt
import pytest
from django.db.models import F

from crm import monitoring
from crm.models import Account, Sheet
from enrichment import runs, signals
from enrichment.models import (
    AttributeValue,
    CustomAttribute,
    EnrichmentSource,
    Freshness,
    Lookup,
    SignalRule,
)
from sources.attributes import Kind
from tests.api.queue import work_off
from tests.api.research import fact
from tests.api.researching.tasks import (
    enrich_everybody,
    finished,
    later,
    make_task,
    profile_task,
    refused,
)
from tests.api.test_tasks import execute, upload
from tests.api.world import list_account, make_profile, make_sheet
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)


def watch(kind: str, *types: str, **fields: Any) -> dict[str, Any]:
    named = [{"type": each, "display": f"Watch {each}", "description": f"A {each}"} for each in types]
    return {"type": kind, "signal_types": named, "monitoring_frequency": "weekly"} | fields


PLANT, DEAL = "May 3: Acme opens a plant in Linz.", "June 9: Acme buys Initech."


FACTS = [fact("headcount", "1200", "Our 1,200 people work in Graz")]


def task_attribute(task: dict[str, Any]) -> str:
    return f"watch_{int(task['id'], 16)}_expansion"


def plants(asked: str) -> list[dict[str, str]]:
    """What a model finds of the two events in what it is shown."""
    (slug,) = set(re.findall(r"watch_\d+_expansion", asked))
    return [fact(slug, text) for text in (PLANT, DEAL) if text in asked]


def test_a_topic_is_watched_on_the_pages_of_companies(api, acme, research):
    list_account(
        make_sheet(api, make_profile(api)), {"domain": "other.com"}, name="Other", domain="other.com"
    )
    research.states = plants
    filters = {"geographic_filters": ["Austria"], "industry_filters": None, "company_size_filters": []}
    config = watch("signal-topic", "expansion", topic_criteria="New {{ plants }} of robot makers", **filters)
    task = make_task(api, config, "signal", icp_id=f"{acme.profile_id:024x}")
    assert task["task_config"] == {
        name: value for name, value in config.items() if value is not None
    } | {"entity_type": "company"}  # fmt: skip
    run_id = execute(api, task["id"])
    run = finished(api, run_id)
    (question,) = research.questions
    assert "Watch for: New {{ plants }} of robot makers" in question
    assert "Only of companies in: Austria. This one is in unknown, unknown (unknown)" in question
    assert "industries" not in question
    (signal,) = api.get("/v1/signal")[1]["signals"]
    assert (signal["signal_type"], signal["summary"]) == (
        "expansion", f"Acme: research: Watch expansion gained {PLANT}.",
    )  # fmt: skip
    (reference,) = signal["references"]
    assert reference.startswith("https://acme.com/news#:~:text=May%203%3A%20Acme%20opens")
    assert (signal["icp_id"], signal["metadata"]["rule"]) == (f"{acme.profile_id:024x}", "Watch expansion")
    assert run["output"]["resources"]["signals_created"] == [signal["id"]]
    assert (run["task_type"], run["input"]["wanted"]) == ("signal", [signal["metadata"]["attribute"]])


def test_a_topic_is_looked_for_once_a_week_and_tells_what_is_new(api, acme, research, monkeypatch):
    research.states = plants
    config = watch("signal-topic", "expansion", topic_criteria="Plants")
    task = make_task(api, config, "signal")
    finished(api, execute(api, task["id"]))
    later(hours=1)
    finished(api, execute(api, task["id"]))
    assert len(research.questions) == 1, "the same week"
    monkeypatch.setattr(monitoring, "_period", lambda frequency, now: "next week")
    research.pages["https://acme.com/news"] += f" {DEAL}"
    later(hours=1)
    finished(api, execute(api, task["id"]))
    later(days=1)
    finished(api, execute(api, task["id"]))
    assert len(research.questions) == 2
    texts = [each["summary"] for each in api.get("/v1/signal?order=1")[1]["signals"]]
    assert [DEAL in text for text in texts] == [False, True]
    assert PLANT not in texts[1]


def test_a_topic_that_is_read_again_after_other_questions_is_no_news(api, acme, research):
    research.states = lambda asked: plants(asked) if "watch_" in asked else FACTS
    task = make_task(api, watch("signal-topic", "expansion", topic_criteria="Plants"), "signal")
    finished(api, execute(api, task["id"]))
    usual = runs.start(kind=Kind.ACCOUNT, records=Account.objects.all(), sources=["ai_research"])
    finished(api, f"{usual.pk:024x}")
    later(hours=1)
    finished(api, execute(api, task["id"]))
    assert len(research.questions) == 2
    assert api.get("/v1/signal")[1]["total"] == 1
    found = AttributeValue.objects.filter(source__slug="ai_research", retracted_at=None)
    assert sorted(found.values_list("attribute", flat=True)) == ["headcount", task_attribute(task)]


@pytest.mark.parametrize(
    ("frequency", "same", "other"),
    [("daily", "2026-11-21T23:59", "2026-11-22"), ("weekly", "2026-11-22", "2026-11-23"), ("monthly", "2026-11-30", "2026-12-01")],
)  # fmt: skip
def test_periods_begin_with_the_day_the_week_and_the_month(frequency, same, other):
    first, *moments = (datetime.fromisoformat(text) for text in ("2026-11-21", same, other))
    assert [
        monitoring._period(frequency, each) == monitoring._period(frequency, first) for each in moments
    ] == [True, False]


def test_the_companies_of_a_file_are_watched(api, research, fakes):
    signals.sync_rules()
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 10}, other_com={"headcount": 10})
    make_source("fake", rank=10, cadence="weekly")
    list_account(
        make_sheet(api, make_profile(api)), {"domain": "other.com"}, name="Other", domain="other.com"
    )
    file_id = upload(api, "name,website\nAcme,acme.com\nNobody,nobody.example\n")
    task = make_task(api, watch("signal-csv", "hiring_surge", file_id=file_id), "signal")
    assert task["task_config"]["primary_column"] == "name"
    assert not SignalRule.objects.exclude(task=None).exists(), "the file is no sheet yet"
    run = finished(api, execute(api, task["id"]))
    sheet = Sheet.objects.get(name="batch.csv")
    assert run["sheet_id"] == f"{sheet.pk:024x}"
    assert sorted(Account.objects.values_list("name", flat=True)) == ["Acme", "Nobody", "Other"]
    rules = SignalRule.objects.exclude(task=None)
    assert {rule.sheet_id for rule in rules} == {sheet.pk}
    SignalRule.objects.filter(task=None).update(is_enabled=False)
    enrich_everybody(api)
    for domain in ("acme.com", "other.com"):
        fakes["fake"].answers[domain] = {"headcount": 50}
    later(hours=1)
    Freshness.objects.all().delete()
    Lookup.objects.update(sent_at=F("sent_at") - timedelta(days=30))
    finished(api, execute(api, task["id"]))
    enrich_everybody(api)
    assert AttributeValue.objects.filter(attribute="headcount").count() == 4
    (signal,) = api.get("/v1/signal")[1]["signals"]
    assert signal["summary"] == "Acme: headcount rose by 400 % from 10 to 50."
    assert Sheet.objects.filter(name="batch.csv").get().entries.count() == 2, "the same sheet again"


def test_another_file_is_watched_in_another_sheet(api, research):
    first = upload(api, "name,website\nAcme,acme.com\n", "first.csv")
    config = watch("signal-csv", "funding", file_id=first)
    task = make_task(api, config, "signal", icp_id=make_profile(api))
    finished(api, execute(api, task["id"]))
    change = {
        "task_config": config | {"file_id": upload(api, "name,website\nOther,other.com\n", "second.csv")}
    }
    assert api.call("PUT", f"/v1/task/{task['id']}", {"name": "Renamed"})[0] == 204
    assert SignalRule.objects.exclude(task=None).values_list("sheet__name").get() == ("first.csv",)
    assert api.call("PUT", f"/v1/task/{task['id']}", change)[0] == 204
    later(hours=1)
    run = finished(api, execute(api, task["id"]))
    assert SignalRule.objects.exclude(task=None).values_list("sheet__name").get() == ("second.csv",)
    assert set(Sheet.objects.values_list("profile__name", flat=True)) == {"Bulk"}
    assert run["icp_id"] == task["icp_id"]


def test_what_no_value_tells_of_is_looked_for_on_pages(api, research, monkeypatch):
    EnrichmentSource.objects.filter(slug="ai_research").update(is_enabled=True)
    research.states = plants
    file_id = upload(api, "name,website\nAcme,acme.com\n")
    task = make_task(api, watch("signal-csv", "expansion", "leadership_change", file_id=file_id), "signal")
    finished(api, execute(api, task["id"]))
    assert [enum[:2] + enum[-1:] for enum in research.enums] == [
        ["ceo_name", "executives", f"watch_{int(task['id'], 16)}_expansion"]
    ]
    (signal,) = api.get("/v1/signal?signal_type=expansion")[1]["signals"]
    assert PLANT in signal["summary"]
    later(hours=1)
    EnrichmentSource.objects.filter(slug="ai_research").update(is_enabled=False)
    assert "it is off: turn it on under Sources" in refused(api, task["id"])
    assert Sheet.objects.count() == 1


def test_a_sheet_is_watched_on_pages_too(api, acme, research):
    research.states = plants
    config = watch("signal-sheet", "expansion", source_icp_id=f"{acme.profile_id:024x}")
    finished(api, execute(api, make_task(api, config, "signal")["id"]))
    assert api.get("/v1/signal?signal_type=expansion")[1]["total"] == 1


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (watch("signal-topic", "dance", topic_criteria="x"), "signal_types.0.type"),
        (watch("signal-topic", "award"), "topic_criteria"),
        (watch("signal-topic", "award", topic_criteria="x", entity_type="person"), "entity_type"),
        (watch("signal-topic", "award", topic_criteria="x", geographic_filters="Austria"), "geographic_filters"),
        (watch("signal-topic", "award", topic_criteria="x", monitoring_frequency="hourly"), "monitoring_frequency"),
        (watch("signal-topic", topic_criteria="x"), "signal_types"),
        (watch("signal-csv", "funding"), "file_id"),
        (watch("signal-csv", "funding", file_id="0" * 24), "file_id"),
        (watch("signal-csv", "funding", file_id="FILE", primary_column="nothing"), "primary_column"),
        (watch("signal-sheet", "funding", source_icp_id="0" * 24), "source_icp_id"),
    ],
    ids=["type", "criteria", "people", "filter", "often", "no types", "no file", "file", "column", "profile"],
)  # fmt: skip
def test_signal_tasks_that_make_no_sense_are_refused(api, research, config, field):
    told = config | ({"file_id": upload(api)} if config.get("file_id") == "FILE" else {})
    status, answer = api.post("/v1/task", {"name": "x", "flow_name": "signal", "task_config": told})
    assert (status, list(answer["errors"])) == (422, [f"task_config.{field}"]), answer
    assert not CustomAttribute.objects.filter(slug__startswith="watch_").exists()


def test_hostile_texts_are_refused_or_kept(api, acme, research):
    """Each of the texts that go into questions, with what no database and no wire takes."""
    for bad in ("a\x00b", "\ud800", "x" * 20_000):
        for config in (
            {"type": "profile", "prompt": bad},
            watch("signal-topic", "award", topic_criteria=bad),
            watch("signal-topic", "award", topic_criteria="x", industry_filters=[bad]),
        ):
            body = {"name": "x", "flow_name": "signal", "task_config": config}
            assert api.post("/v1/task", body)[0] in (400, 422), (bad[:3], config["type"])
        task_id = profile_task(api, "Analyze {{ what }}.", icp_id=f"{acme.profile_id:024x}")
        status, _ = api.post(f"/v1/task/{task_id}/execute", {"parameters": {"what": bad}})
        assert status == (200 if bad.isalpha() else 422), bad[:3]
    work_off()
    (question,) = research.questions
    assert "Analyze " + "x" * 10_000 + "." in question, "cut"


def test_what_only_the_open_web_could_tell_is_refused(api, research):
    status, answer = api.post(
        "/v1/task", {"name": "x", "flow_name": "search", "task_config": {"type": "search"}}
    )
    assert (status, answer["code"]) == (422, "discovery")


def test_the_official_client_makes_and_reads_each_type_of_task(live_server, api, acme, research):
    file_id = upload(api, "name,website\nAcme,acme.com\n")
    configs: list[Any] = [
        {"type": "profile", "prompt": "Analyze {{ company_name }}."},
        watch("signal-csv", "funding", "award", file_id=file_id),
        watch("signal-topic", "other", topic_criteria="x", geographic_filters=["EMEA"], company_size_filters=["51-200"]),
        watch("signal-sheet", "job_posting", source_icp_id=f"{acme.profile_id:024x}", monitoring_frequency="daily"),
    ]  # fmt: skip
    options: dict[str, Any] = {"max_retries": 0, "_strict_response_validation": True}
    with linkt.Linkt(base_url=live_server.url, api_key=api.key, **options) as client:
        for config in configs:
            made = client.task.create(
                name="T", description="d", flow_name="signal", deployment_name="main", task_config=config
            )
            read: Any = client.task.retrieve(made.id).task_config
            assert {name: getattr(read, name) for name in config if name != "signal_types"} == {
                name: value for name, value in config.items() if name != "signal_types"
            }
            types = [each.type for each in getattr(read, "signal_types", [])]
            assert types == [each["type"] for each in config.get("signal_types", [])]
        with pytest.raises(linkt.UnprocessableEntityError, match="outside this product"):
            client.task.create(
                name="T",
                description="d",
                flow_name="x",
                deployment_name="main",
                task_config={"type": "search"},
            )
