"""What each tool answers, and what it says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Account, Sheet, SheetEntry
from enrichment import heartbeats, signals
from enrichment.agents.calling import TOOLS, call
from enrichment.agents.tools import Agent, ToolRefused
from enrichment.models import ApiKey, EnrichmentRun, WebhookDelivery, WebhookEndpoint
from tests.agents.world import day, fund_some, say
from tests.api.queue import work_off
from tests.factories import make_account, make_contact, make_source, make_writer
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db

READER = Agent("a reader", frozenset({"read"}))
WORKER = Agent("a worker", frozenset({"read", "enrich"}))


def ask(name: str, agent: Agent = WORKER, /, **arguments: Any) -> dict[str, Any]:
    """The answer of a tool."""
    return dict(json.loads(call(agent, name, arguments)))


def refused(name: str, agent: Agent = WORKER, /, **arguments: Any) -> str:
    """The sentence of a refusal."""
    with pytest.raises(ToolRefused) as error:
        call(agent, name, arguments)
    return str(error.value)


def entity(account: Account) -> str:
    return f"account-{account.pk}"


# Reading


def test_records_are_found_by_their_values():
    acme, globex, _ = fund_some().values()
    told = ask(
        "find_records", filters=[{"attribute": "last_funding_date", "op": "gt", "value": "2026-09-30"}],
        attributes=["funding stage", "last_funding_amount"], sort_by="last_funding_date", descending=True,
    )  # fmt: skip
    assert told == {
        "total": 2,
        "records": [
            {"id": entity(globex), "name": "Globex", "domain": "globex.de", "values": {"funding_stage": "Seed"}},
            {
                "id": entity(acme), "name": "Acme Robotics", "domain": "acme.com",
                "values": {"funding_stage": "Series B", "last_funding_amount": 42_000_000},
            },
        ],
    }  # fmt: skip


def test_records_are_found_by_text_and_sheet():
    acme, globex, _ = fund_some().values()
    sheet = Sheet.objects.create(name="Leads", kind="account")
    SheetEntry.objects.create(sheet=sheet, account=globex)
    assert [each["id"] for each in ask("find_records", text="robot")["records"]] == [entity(acme)]
    assert [each["id"] for each in ask("find_records", sheet=sheet.pk)["records"]] == [entity(globex)]
    assert ask("find_records", text="nobody") == {"total": 0}


def test_pages_lead_to_the_last_record():
    for number in range(7):
        make_account(name=f"Firm {number}")
    seen: list[str] = []
    for cursor in (0, 3, 6):
        told = ask("find_records", limit=3, cursor=cursor)
        assert told["total"] == 7
        assert told.get("next_cursor") == (cursor + 3 if cursor < 6 else None)
        seen += [each["name"] for each in told["records"]]
    assert seen == [f"Firm {number}" for number in range(7)]


def test_a_record_shows_its_references():
    acme = fund_some()["Acme Robotics"]
    contact = make_contact(account=acme, name="Jane Roe")
    told = ask("get_record", id=entity(acme), attributes=["funding_stage", "headcount"])
    assert told["contacts"] == [{"id": f"contact-{contact.pk}", "name": "Jane Roe"}]
    assert told["values"] == [
        {
            "attribute": "funding_stage", "value": "Series B", "source": "crunchbase",
            "references": ["https://www.crunchbase.com/organization/acme"], "since": "2026-10-20", "checked": "2026-10-20",
        }
    ]  # fmt: skip
    assert told["unknown"] == ["headcount"]
    assert "plan_run" in told["next"]
    assert ask("get_record", id=f"contact-{contact.pk}")["account"] == {
        "id": entity(acme),
        "name": "Acme Robotics",
    }


def test_history_shows_what_was_believed_before():
    acme = fund_some()["Acme Robotics"]
    told = ask("get_history", id=entity(acme), attribute="funding_stage")
    assert [(each["value"], each["state"]) for each in told["claims"]] == [
        ("Series B", "live"),
        ("Series A", "superseded"),
    ]
    assert told["claims"][1]["until"] == "2026-10-20"


def test_long_values_are_cut():
    acme = fund_some()["Acme Robotics"]
    say(acme, make_writer("api").pk, day(11, 4), "user:anna", company_description="word " * 1000)
    told = ask("get_record", id=entity(acme), attributes=["company_description"])
    assert (
        told["values"][0]["value"].endswith("… (4,999 characters)") or len(told["values"][0]["value"]) < 350
    )


def test_sources_say_what_they_need_and_what_is_missing(fakes: dict[str, Any]):
    fakes["on"], fakes["off"] = FakeSource("on"), FakeSource("off")
    make_source("on", cost=3)
    make_source("off", is_enabled=False)
    (told,) = ask("list_sources")["sources"]
    assert told["source"] == "on"
    assert told["needs"] == [["domain"]]
    assert told["gives"] == ["headcount", "industry"]
    assert told["credits_a_question"] == 3
    assert ask("list_sources", also_off=True)["total"] == 2
    assert ask("list_sources", kind="contact") == {"total": 0}


def test_attributes_are_listed_by_meaning():
    told = ask("list_attributes", text="latest funding round")["attributes"]
    assert {each["attribute"] for each in told} >= {"funding_stage", "last_funding_date"}
    assert ask("list_attributes", kind="contact", text="headcount") == {"total": 0}


def test_signals_tell_both_values_with_their_references():
    signals.sync_rules()
    acme = fund_some()["Acme Robotics"]
    for run in EnrichmentRun.objects.order_by("pk"):
        EnrichmentRun.objects.filter(pk=run.pk).update(finished_at=timezone.now())
        signals.scan(run.pk)
    told = ask("list_signals", types=["funding"], text="series b")
    assert told["total"] == 1
    (signal,) = told["signals"]
    assert (signal["record"], signal["attribute"]) == (entity(acme), "funding_stage")
    assert (signal["before"], signal["value"]) == ("Series A", "Series B")
    assert signal["references"] == ["https://www.crunchbase.com/organization/acme"]
    assert ask("list_signals", types=["layoff"]) == {"total": 0}
    assert ask("list_signals", days=1, limit=1)["signals"]


# Runs


@pytest.fixture
def priced(fakes: dict[str, Any]) -> FakeSource:
    """A source that costs two credits a question and knows two of three accounts."""
    fake = FakeSource("paid", acme_com={"headcount": 420}, globex_de={"headcount": 12})
    fakes["paid"] = fake
    make_source("paid", cost=2)
    return fake


def test_a_run_from_plan_to_undo(priced: FakeSource, django_capture_on_commit_callbacks: Callable[..., Any]):
    accounts = fund_some()
    wish = {"ids": [entity(each) for each in accounts.values()], "attributes": ["headcount"]}
    plan = ask("plan_run", **wish)
    assert (plan["records"], plan["questions"], plan["credits_at_most"]) == (3, 3, 6)
    assert "max_credits 6" in plan["next"]
    assert priced.asked == []
    with django_capture_on_commit_callbacks(execute=True):
        started = ask("start_run", **wish, max_credits=6, name="Headcounts")
    assert started["records"] == 3
    assert "`manage.py up`" in started["next"]
    heartbeats.mark()
    assert "in about 10 seconds" in ask("get_run", run=started["run"])["next"]
    assert EnrichmentRun.objects.get(pk=started["run"]).origin.parameters["agent"] == "a worker"
    work_off()
    make_account(name="Not in the run")
    told = ask("get_run", run=started["run"])
    assert (told["status"], told["done"], told["of"]) == ("COMPLETED", 3, 3)
    assert told["by_source"] == {"paid": {"found": 2, "not_found": 1}}
    assert told["credits"] == {"paid": 4}
    exported = ask("export_records", run=started["run"], attributes=["headcount"], with_references=True)
    assert exported["total"] == 3
    assert exported["csv"].splitlines()[1] == f"{wish['ids'][0]},Acme Robotics,420,https://fake/acme.com"
    would = ask("undo_run", run=started["run"])
    assert would["values_that_go"] == 2
    assert "confirm true" in would["next"]
    assert ask("get_record", id=wish["ids"][0], attributes=["headcount"])["values"]
    WebhookEndpoint.objects.create(name="CRM", url="https://crm.example.com/", events=["run.undone"])
    assert ask("undo_run", run=started["run"], confirm=True)["current_values_changed"] == 2
    assert WebhookDelivery.objects.get().event == "run.undone"
    assert "values" not in ask("get_record", id=wish["ids"][0], attributes=["headcount"])
    assert ask("get_run", run=started["run"])["undone"]


def test_a_run_never_costs_more_than_its_cap(
    priced: FakeSource, django_capture_on_commit_callbacks: Callable[..., Any]
):
    fund_some()
    with django_capture_on_commit_callbacks(execute=True):
        started = ask("start_run", filters=[{"attribute": "domain", "op": "filled"}], max_credits=3)
    work_off()
    assert len(priced.asked) == 1
    assert sum(ask("get_run", run=started["run"])["credits"].values()) == 2


def test_a_key_starts_no_more_than_it_has_left(priced: FakeSource):
    fund_some()
    made, _ = ApiKey.objects.create_key(name="Agent", scopes=["read", "enrich"], monthly_limit=5)
    key = ApiKey.objects.get(pk=made.pk)
    agent = Agent("the key Agent", frozenset(key.scopes), key)
    told = ask("start_run", agent, filters=[{"attribute": "domain", "op": "filled"}], max_credits=100)
    assert told["max_credits"] == 5
    assert "5 credits left" in told["note"]
    assert EnrichmentRun.objects.get(pk=told["run"]).credit_limit == 5


def test_an_agent_that_calls_twice_gets_the_same_run(priced: FakeSource):
    fund_some()
    wish: dict[str, Any] = {"filters": [{"attribute": "domain", "op": "filled"}], "max_credits": 4}
    first, second = ask("start_run", **wish), ask("start_run", **wish)
    assert (second["run"], "note" in first) == (first["run"], False)
    assert "a moment ago" in second["note"]
    assert ask("start_run", **wish | {"max_credits": 3})["run"] != first["run"]
    ask("cancel_run", run=first["run"])
    assert ask("start_run", **wish)["run"] != first["run"]


def test_a_run_can_be_canceled(priced: FakeSource):
    fund_some()
    run = ask("start_run", filters=[{"attribute": "domain", "op": "filled"}], max_credits=0)["run"]
    assert "cancel_run first" in refused("undo_run", run=run)
    assert ask("cancel_run", run=run)["status"] == "CANCELED"
    assert "ended already" in refused("cancel_run", run=run)
    assert ask("get_run")["runs"][0]["status"] == "CANCELED"


def test_exports_are_paged_and_harmless():
    for number in range(5):
        account = make_account()
        say(
            account,
            make_writer("api").pk,
            day(11, 4),
            "user:anna",
            name=f"=Firm {number}",
            tech_stack=["a", "b"],
        )
    first = ask("export_records", attributes=["tech_stack"], limit=3)
    assert (first["total"], first["rows"], first["next_cursor"]) == (5, 3, 3)
    assert first["csv"].splitlines()[1].split(",", 1)[1] == "'=Firm 0,a; b"
    rest = ask("export_records", attributes=["tech_stack"], limit=3, cursor=3)
    assert rest["rows"] == 2
    assert "next_cursor" not in rest


# Refusals


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if tool.changes])
def test_what_changes_something_needs_the_scope(tool: str):
    arguments = {"start_run": {"max_credits": 0, "ids": ["account-1"]}}.get(tool, {"run": 1})
    assert "scope 'enrich'" in refused(tool, READER, **arguments)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("nothing", {}, "find_records"),
        ("start_run", {"ids": ["account-1"]}, "'max_credits' is a required property"),
        ("start_run", {"ids": ["account-1"], "max_credits": -1}, "max_credits: -1"),
        ("find_records", {"limt": 3}, "find_records takes kind"),
        ("find_records", {"limit": 500}, "limit: 500"),
        ("find_records", {"text": "a\x00b"}, "leave it out"),
        ("get_record", {"id": "\ud800"}, "leave it out"),
        ("find_records", {"sheet": 2**70}, "sheet: 11805"),
        ("find_records", {"attributes": ["fundng_stage"]}, "Did you mean funding_stage or"),
        (
            "find_records",
            {"filters": [{"attribute": "headcount", "op": "gt", "value": "many"}]},
            "is a number",
        ),
        ("find_records", {"sheet": 9}, "There is no sheet 9"),
        ("get_record", {"id": "Acme"}, "find_records gives ids"),
        ("get_history", {"id": "account-99999"}, "find_records gives ids"),
        ("plan_run", {}, "Give `ids`"),
        ("plan_run", {"ids": ["account-1", "contact-1"]}, "one way"),
        ("plan_run", {"ids": ["account-1"], "sources": ["nobody"]}, "no source nobody"),
        ("get_run", {"run": 99}, "lists the newest"),
        ("undo_run", {"run": 99}, "lists the newest"),
        ("export_records", {"run": 99, "attributes": ["name"]}, "lists the newest"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_refusal_says_what_to_do_next(tool: str, arguments: dict[str, Any], words: str):
    assert words in refused(tool, **arguments)


def test_nobody_to_ask_is_said_before_a_run_begins(fakes: dict[str, Any]):
    make_account(name="Acme", domain="acme.com")
    said = refused("start_run", filters=[{"attribute": "name", "op": "empty"}], max_credits=0)
    assert "No source can be asked" in said
    assert "plan_run" in said


def test_every_tool_says_what_it_takes():
    for tool in TOOLS.values():
        assert tool.schema["additionalProperties"] is False
        assert 30 < len(tool.description) < 200
    assert len(json.dumps([tool.schema for tool in TOOLS.values()])) < 12_000


def test_a_page_of_records_takes_few_queries():
    fund_some()
    for number in range(30):
        make_account(name=f"Firm {number}")
    with CaptureQueriesContext(connection) as queries:
        ask("find_records", limit=50, attributes=["funding_stage"])
    assert len(queries) < 8
