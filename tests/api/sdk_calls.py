"""Calls of every method of the official client, whichever version of it is first in the path.

Run as a program: `python -m tests.api.sdk_calls URL KEY sync|async`. Each answer is parsed strictly by the client and
checked here. What came of it goes to standard output, a line of JSON each; after the line `"work"` the program waits
for a line on standard input, in which time the queue is worked off. Knows nothing of Django: only the client is there.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import linkt

CSV = "company_name,website\nAcme,acme.com\nNobody,nobody.example\n"
_TABLES = {"entity.export", "sheet.export_csv"}  # they answer CSV; a strict client takes nothing but JSON

_PLUMBING = {"extra_headers", "extra_query", "extra_body", "timeout"}  # parameters that all methods have

Answers = dict[str, Any]


def _parsed(answer: Any) -> bool:
    """That the client could read it is all there is to say."""
    return True


@dataclass(frozen=True)
class Call:
    """A method, what it is told, and what its answer must say."""

    name: str
    told: Callable[[Answers], dict[str, Any]] = lambda answers: {}
    says: Callable[[Any], bool] = _parsed


def config(a: Answers, **fields: Any) -> dict[str, Any]:
    """An ingest of the file that was uploaded last, in the words of this version."""
    is_old = linkt.__version__ == "0.2.0"
    kind = {"config_type": "ingest-task", "version": "v1.0"} if is_old else {"type": "ingest"}
    return kind | {
        "file_id": a["files.upload"].file_id, "primary_column": "company_name", "csv_entity_type": "company", **fields,
    }  # fmt: skip


def other_configs(a: Answers) -> list[dict[str, Any]]:
    """A configuration of every other type that can be carried out, with all it may hold."""
    is_old = linkt.__version__ == "0.2.0"
    types = [{"type": "funding", "display": "Money", "description": "d"}]
    watch: dict[str, Any] = {"signal_types": types, "entity_type": "company", "monitoring_frequency": "daily"}
    file = a["files.upload"].file_id
    words = {
        "geographic_filters": ["Germany"],
        "industry_filters": ["SaaS"],
        "company_size_filters": ["11-50"],
    }
    filters = {"status": {"$in": ["new", "reviewed"]}, "data.employees.value": {"$gte": 10}}
    told: dict[str, dict[str, Any]] = {
        "profile": {"prompt": "What does {{ company_name }} sell?"},
        "signal-topic": {**watch, **words, "topic_criteria": "Startups that raise money"},
        "signal-csv": {**watch, "file_id": file, "primary_column": "company_name"},
        "signal-sheet": {**watch, "source_icp_id": a["icp.create"].id, "entity_filters": filters},
    }
    if not is_old:
        fields = {
            "ignored_fields": ["tech_stack"],
            "new_custom_fields": [{"name": "pets", "description": "Dogs"}],
        }
        told["ingest-ondemand"] = config(a) | fields | {"type": "ingest-ondemand"}
    word = {"profile": "profile-prompt"} if is_old else {}
    return [
        {"config_type" if is_old else "type": word.get(kind, kind), **rest} for kind, rest in told.items()
    ]


def entity(a: Answers) -> dict[str, Any]:
    """The first entity, as this version finds it."""
    if "entity.list" in a:
        return {"entity_id": a["entity.list"].entities[0].id}
    return {"entity_id": a["sheet.get_entities"].entities[0]["id"], "sheet_id": a["sheet.create"].id}


def task(a: Answers) -> str:
    """The id of the task; in 0.2.0 the answer is a plain dict."""
    made = a["task.create"]
    return str(made["id"] if isinstance(made, dict) else made.id)


def upload(file: Any) -> Call:
    """An upload in one of the forms that users write."""
    return Call("files.upload", lambda a: {"file": file}, lambda r: r.csv_metadata["row_count"] == 2)


def uploads() -> tuple[Call, ...]:
    """From 0.7 on a file may be a text, which the version before refuses itself."""
    forms = [
        upload(CSV.encode()),
        upload(("a.csv", CSV.encode(), "text/csv")),
        upload(("a.csv", CSV.encode())),
    ]
    return (*forms, upload(CSV)) if linkt.__version__ != "0.2.0" else tuple(forms)


def other_task(place: int) -> Call:
    """A task of one of the other types; none where this version has fewer."""

    def told(a: Answers) -> dict[str, Any]:
        chosen = [
            each for number, each in enumerate(other_configs(a)) if number == place % len(other_configs(a))
        ]
        return {
            "name": "Other", "description": "d", "flow_name": "signal", "deployment_name": "main", "task_config": chosen[0],
        }  # fmt: skip

    return Call("task.create", told)


def no_such_id(page: Any) -> bool:
    """Nobody is found by an external id that nobody has, in the version whose lists take one."""
    return bool(page.total == 0) or linkt.__version__ != "0.14.0"


LONG_AGO, FAR_OFF = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
PAGE = {"order": -1, "page": 1, "page_size": 20, "sort_by": "updated_at"}
PROPAGATE = {"propagate_to_family": True, "propagate_to_duplicates": False}
WORK = Call("work")
CALLS: tuple[Call, ...] = (
    Call("icp.create", lambda a: {
        "name": "Bulk", "description": "d",
        "entity_targets": [
            {"entity_type": "company", "description": "- employee_count: People", "root": True, "filters": ["Only big ones"]},
            {"entity_type": "person", "description": "- title: Role", "root": False, "desired_count": 2},
        ],
    }),
    Call("icp.retrieve", lambda a: {"icp_id": a["icp.create"].id}),
    Call("icp.update", lambda a: {
        "icp_id": a["icp.create"].id, "name": "Bulk 2", "description": "e",
        "entity_targets": [{"entity_type": "company", "description": "- employee_count: People"}],
    }, lambda r: r.name == "Bulk 2" and len(r.entity_targets) == 1),
    Call("icp.list", lambda a: {"mode": "discovery", **PAGE}, lambda r: r.total == 1),
    Call("sheet.create", lambda a: {
        "name": "Companies", "description": "d", "icp_id": a["icp.create"].id, "entity_type": "company",
    }),
    Call("sheet.retrieve", lambda a: {"sheet_id": a["sheet.create"].id}, lambda r: r.entity_type == "company"),
    Call("sheet.update", lambda a: {
        "sheet_id": a["sheet.create"].id, "name": "All companies", "description": "e", "icp_id": a["icp.create"].id,
    }, lambda r: r is None),
    Call("sheet.list", lambda a: {"icp_id": a["icp.create"].id, "entity_type": "company", **PAGE, "order": 1},
         lambda r: r.sheets[0]["name"] == "All companies"),
    Call("sheet.schema.add_fields", lambda a: {
        "sheet_id": a["sheet.create"].id, "fields": [
            {"name": "pets", "field_type": "integer", "description": "Dogs", "required": False, "additional_props": {"a": 1}},
            {"name": "tier", "field_type": "enum", "enum_values": ["A", "B"]},
            {"name": "tags", "field_type": "array", "array_items": {"type": "string"}},
            {"name": "seat", "field_type": "object", "properties": {"city": {"type": "string"}}},
            {"name": "owner", "field_type": "reference", "reference_model": "User"},
        ],
    }),
    Call("sheet.schema.get", lambda a: {"sheet_id": a["sheet.create"].id}, lambda r: "pets" in r.properties),
    Call("sheet.schema.delete_fields", lambda a: {"sheet_id": a["sheet.create"].id, "fields": ["pets"]}),
    Call("sheet.schema.get_default", says=lambda r: "company" in r.schemas),
    Call("sheet.schema.get_field_definitions", says=lambda r: "integer" in r.fields),
    *uploads(),
    Call("files.retrieve", lambda a: {"file_id": a["files.upload"].file_id}, lambda r: r.csv_metadata["row_count"] == 2),
    Call("files.list", lambda a: {"page": 1, "page_size": 10}, lambda r: r.total == len(uploads())),
    *map(other_task, range(5)),
    Call("task.create", lambda a: {
        "name": "Enrich", "description": "d", "flow_name": "ingest", "deployment_name": "main", "icp_id": a["icp.create"].id,
        "task_config": config(a), "prompt": "p",
    }),
    Call("task.retrieve", lambda a: {"task_id": task(a)}, lambda r: "ingest" in str(r)),
    Call("task.update", lambda a: {
        "task_id": task(a), "description": "e", "deployment_name": "ingest/v1", "icp_id": a["icp.create"].id, "name": "Enrich 2",
        "prompt": "q", "task_config": config(a, webhook_url="https://hooks.example.com/footnote"),
    }),
    Call("task.update", lambda a: {"task_id": task(a), "task_config": config(a)}),
    Call("task.list", lambda a: {"flow_name": "ingest", **PAGE}, lambda r: r.tasks[0].description == "e"),
    Call("task.execute", lambda a: {
        "task_id": task(a), "icp_id": a["icp.create"].id, "parameters": {"input_entities": []},
    }, lambda r: r.status == "SCHEDULED"),
    Call("icp.get_active_runs", lambda a: {"icp_id": a["icp.create"].id}, lambda r: len(r.runs) == 1),
    Call("run.retrieve", lambda a: {"run_id": a["task.execute"].run_id}, lambda r: r["status"] == "SCHEDULED"),
    WORK,
    Call("run.get_queue", lambda a: {
        "run_id": a["task.execute"].run_id, "state": "completed", "include_history": True, "limit": 10, "offset": 0,
    }, lambda r: r.entities[0]["row_data"]["company_name"] == "Acme"),
    Call("run.list", lambda a: {
        "status": "COMPLETED", "task_type": "ingest", "task_id": task(a), "icp_id": a["icp.create"].id, "agent_type": "task",
        "agent_id": task(a), "created_after": LONG_AGO, "updated_before": FAR_OFF, "created_before": FAR_OFF,
        "updated_after": LONG_AGO, **PAGE, "sort_by": "agent_type",
    }, lambda r: r.total == 1),
    Call("entity.list", lambda a: {"external_id": "001", "external_source": "hubspot"}, no_such_id),
    Call("entity.list", lambda a: {
        "icp_id": [a["icp.create"].id], "status": ["new", "reviewed"], "fields": "name,employees", "hide_duplicates": True,
        "entity_type": "company", "sheet_id": a["sheet.create"].id, "page": 1, "page_size": 10,
    }, lambda r: r.entities[0].data["employees"]["value"] == "1234"),
    Call("entity.retrieve", entity, lambda r: r.data["employee_count"]["display"] == "1,234"),
    Call("entity.update", lambda a: entity(a) | {"status": "reviewed", "comments": "Call", **PROPAGATE},
         lambda r: r.status == "reviewed"),
    Call("entity.bulk_update_status", lambda a: {"entity_ids": [*entity(a).values()], "status": "contacted", **PROPAGATE},
         lambda r: r.updated_count == 1),
    Call("entity.get_counts", lambda a: {"icp_id": [a["icp.create"].id], "status": ["contacted"], "hide_duplicates": True},
         lambda r: r.total == 1),
    Call("entity.search", lambda a: {
        "q": "acme", "entity_type": "company", "sheet_id": a["sheet.create"].id, "hide_duplicates": True, "page": 1,
        "page_size": 5, "icp_id": [a["icp.create"].id], "status": ["contacted"],
    },
         lambda r: r.entities[0].data["employee_count"]["value"] == 1234),
    Call("entity.export", lambda a: {
        "format": "combined", "entity_ids": [*entity(a).values()], "entity_type": "company", "hide_duplicates": True,
        "icp_id": [a["icp.create"].id], "sheet_id": a["sheet.create"].id, "status": ["contacted"],
    }, lambda r: "1234" in r),
    Call("sheet.get_entities", lambda a: {
        "sheet_id": a["sheet.create"].id, "has_comments": False, "search": "acme", "created_after": LONG_AGO,
        "created_before": FAR_OFF, "updated_after": LONG_AGO, "updated_before": FAR_OFF, **PAGE,
    },
         lambda r: r.entities[0]["data"]["employee_count"]["value"] == 1234),
    Call("sheet.entity.retrieve", entity, lambda r: r["data"]["employees"]["value"] == "1234"),
    Call("sheet.entity.update_comments", lambda a: entity(a) | {"comments": "Call"}, lambda r: r is None),
    Call("sheet.entity.update_status", lambda a: entity(a) | {"status": True}, lambda r: r is None),
    Call("sheet.get_entities", lambda a: {"sheet_id": a["sheet.create"].id, "status": True, "has_comments": True},
         lambda r: [(each["status"], each["comments"]) for each in r.entities] == [("reviewed", "Call")]),
    Call("sheet.export_csv", lambda a: {"sheet_id": a["sheet.create"].id, "entity_ids": [entity(a)["entity_id"]]},
         lambda r: "1234" in r),
    Call("schedule.create", lambda a: {
        "name": "Weekly", "task_id": task(a), "icp_id": a["icp.create"].id, "cron_expression": "0 3 * * 1",
        "parameters": {"x": 1}, "description": "d",
    }),
    Call("schedule.retrieve", lambda a: {"schedule_id": a["schedule.create"].id}, lambda r: r.status == "active"),
    Call("schedule.update", lambda a: {
        "schedule_id": a["schedule.create"].id, "status": "paused", "name": "Monthly", "cron_expression": "0 3 1 * *",
        "description": "e", "parameters": {"x": 2},
    }, lambda r: r.name == "Monthly" and r.status == "paused"),
    Call("schedule.list", lambda a: {"status": "paused", "icp_id": a["icp.create"].id, "task_id": task(a), **PAGE},
         lambda r: r.total == 1),
    Call("schedule.delete", lambda a: {"schedule_id": a["schedule.create"].id}, lambda r: r is None),
    Call("signal.list", lambda a: {"entity_id": entity(a)["entity_id"], "icp_id": a["icp.create"].id}, lambda r: r.total == 0),
    Call("signal.list", lambda a: {
        "days": 30, "search_term": "bolt", "external_id": "001", "external_source": "salesforce", "strength": "HIGH",
        "signal_type": "hiring_surge", **PAGE,
    }, lambda r: r.total == 1),
    Call("signal.retrieve", lambda a: {"signal_id": a["signal.list"].signals[0].id}, lambda r: r.signal_type == "hiring_surge"),
    Call("run.create", lambda a: {"agent_id": task(a), "parameters": {"again": True}, "icp_id": a["icp.create"].id}),
    Call("run.cancel", lambda a: {"run_id": a["run.create"]["run_id"]}, lambda r: r is None),
    Call("run.delete", lambda a: {"run_id": a["run.create"]["run_id"]}, lambda r: r is None),
    Call("entity.delete", entity, lambda r: r is None),
    Call("task.delete", lambda a: {"task_id": task(a)}, lambda r: r is None),
    Call("sheet.delete", lambda a: {"sheet_id": a["sheet.create"].id}, lambda r: r is None),
    Call("icp.delete", lambda a: {"icp_id": a["icp.create"].id}, lambda r: r is None),
)  # fmt: skip


def methods(client: Any, prefix: str = "") -> Iterator[str]:
    """The names of all methods of a client's resources, found by walking it."""
    for name in sorted({*dir(type(client)), *vars(client)}):
        if name.startswith(("_", "with_")):
            continue
        part = getattr(client, name)
        if type(part).__module__.startswith("linkt.resources."):
            yield from methods(part, f"{prefix}{name}.")
        elif prefix and inspect.ismethod(part):
            yield f"{prefix}{name}"


def method(client: Any, name: str) -> Any:
    """A method of the client by its name."""
    if name in _TABLES:
        client = client.copy(_extra_kwargs={"_strict_response_validation": False})
    for part in name.split("."):
        client = getattr(client, part)
    return client


def _say(what: Any) -> None:
    print(json.dumps(what), flush=True)


def _work() -> None:
    _say("work")
    sys.stdin.readline()


def play(client: Any, finish: Callable[[Any], Any]) -> None:
    """Make all calls that this version has; `finish` waits for an answer where one must."""
    answers: Answers = {}
    known = set(methods(client))
    untold = {name: set(inspect.signature(method(client, name)).parameters) - _PLUMBING for name in known}
    for call in CALLS:
        if call is WORK:
            _work()
        elif call.name in known:
            _say({"method": call.name, "error": _outcome(client, call, answers, finish, untold[call.name])})
    for name in sorted(known):
        _say(
            {
                "method": name,
                "error": f"no call tells it {', '.join(sorted(untold[name]))}" if untold[name] else "",
            }
        )


def _outcome(
    client: Any, call: Call, answers: Answers, finish: Callable[[Any], Any], untold: set[str]
) -> str:
    """What is wrong with an answer, or an empty string; parameters that this version does not have are left out."""
    try:
        asked = method(client, call.name)
        takes = inspect.signature(asked).parameters
        told = {name: value for name, value in call.told(answers).items() if name in takes}
        untold.difference_update(told)
        answer = answers[call.name] = finish(asked(**told))
        return "" if call.says(answer) else f"it says {answer!r}"[:2000]
    except Exception as error:  # whatever a client raises is what this is to find out
        return f"{type(error).__name__}: {error}"[:2000]


def main() -> None:
    """Play all calls against a server."""
    warnings.simplefilter("ignore", DeprecationWarning)  # methods that the client itself calls deprecated
    url, key, form = sys.argv[1:]
    options: Any = {"base_url": url, "api_key": key, "max_retries": 0, "_strict_response_validation": True}
    _say({"version": linkt.__version__})
    if form == "sync":
        play(linkt.Linkt(**options), lambda answer: answer)
        return
    with asyncio.Runner() as runner:

        async def wait(answer: Any) -> Any:
            return await answer

        play(linkt.AsyncLinkt(**options), lambda answer: runner.run(wait(answer)))


if __name__ == "__main__":
    main()
