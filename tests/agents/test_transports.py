"""The official client drives the tools over both transports: a subprocess's pipes, and HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from django.core.management import CommandError, call_command
from django.test import Client as DjangoClient
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from enrichment.agents.calling import TOOLS
from enrichment.models import ApiKey
from tests.agents.world import fund_some

ROOT = Path(__file__).resolve().parent.parent.parent
MODES = ["legacy", "auto"]
"""With the handshake of the protocol before 2026-07-28, and without it where the server can do without."""

Talk = Callable[[Client], Awaitable[Any]]


def new_key(*scopes: str, **fields: Any) -> str:
    _, text = ApiKey.objects.create_key(name="Agent", scopes=list(scopes or ("read",)), **fields)
    return str(text)


def over_http(url: str, key: str, talk: Talk, mode: str = "auto") -> Any:
    """What a conversation over HTTP gives."""

    async def converse() -> Any:
        async with (
            httpx2.AsyncClient(headers={"x-api-key": key}, timeout=60) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
        ):
            return await talk(client)

    return asyncio.run(converse())


def over_stdio(home: Path, talk: Talk, *options: str, mode: str = "auto") -> Any:
    """What a conversation with `manage.py mcp` gives."""

    async def converse() -> Any:
        server = StdioServerParameters(
            command=sys.executable, args=["manage.py", "mcp", *options], cwd=ROOT, env=environment(home)
        )
        async with Client(server, mode=mode) as client:
            return await talk(client)

    return asyncio.run(asyncio.wait_for(converse(), 120))


def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "FOOTNOTE_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "only-for-tests",
    }


async def said(client: Client, name: str, **arguments: Any) -> tuple[bool, str]:
    """Whether a call was refused, and its text."""
    result: Any = await client.call_tool(name, arguments)
    (content,) = result.content
    return bool(result.is_error), str(content.text)


async def told(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    is_error, text = await said(client, name, **arguments)
    assert not is_error, text
    return dict(json.loads(text))


async def look_around(client: Client) -> dict[str, Any]:
    """What any client does first, and three calls."""
    listed = await client.list_tools()
    return {
        "tools": [tool.name for tool in listed.tools],
        "hints": {tool.name: tool.annotations.read_only_hint for tool in listed.tools if tool.annotations},
        "instructions": client.instructions,
        "found": await told(client, "find_records", text="acme"),
        "wrong": await said(client, "get_record", id="acme"),
        "start": await said(client, "start_run", ids=["account-1"], max_credits=0),
    }


def check(seen: dict[str, Any], who: str) -> None:
    assert seen["tools"] == list(TOOLS)
    assert {name for name, reads in seen["hints"].items() if not reads} == {
        "start_run",
        "cancel_run",
        "undo_run",
    }
    assert "plan_run" in seen["instructions"]
    assert [each["name"] for each in seen["found"]["records"]] == ["Acme Robotics"]
    assert seen["wrong"] == (True, "There is no record acme. find_records gives ids such as account-12.")
    assert seen["start"][0]
    assert f"scope 'enrich', which {who} does not have" in seen["start"][1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.django_db(transaction=True)
def test_the_tools_are_called_over_http(live_server: Any, mode: str):
    fund_some()
    check(over_http(live_server.url, new_key(), look_around, mode), "the key Agent")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an installation of its own, with three accounts."""
    folder = tmp_path_factory.mktemp("mcp-home")
    seed = "import django; django.setup(); from tests.agents.world import fund_some; fund_some()"
    for command in (["manage.py", "migrate", "--verbosity", "0"], ["-c", seed]):
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment(folder), check=True, timeout=120)
    return folder


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_are_called_over_stdio(home: Path, mode: str):
    check(over_stdio(home, look_around, mode=mode), "this server")


def test_stdio_may_start_runs_when_it_is_told_to(home: Path):
    async def start(client: Client) -> tuple[bool, str]:
        return await said(client, "start_run", ids=["account-1"], max_credits=0)

    is_error, text = over_stdio(home, start, "--scope", "enrich")
    assert is_error
    assert "No source can be asked" in text


@pytest.mark.django_db(transaction=True)
def test_without_a_good_key_nothing_is_told(live_server: Any):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for headers in ({}, {"x-api-key": f"abcdefgh.{'x' * 32}"}):
        answered = requests.post(f"{live_server.url}/mcp", json=message, headers=headers, timeout=30)
        assert answered.status_code == 401
        assert answered.json()["code"] == "unauthorized"


@pytest.mark.django_db(transaction=True)
def test_http_holds_nothing_open_and_refuses_what_is_no_message(live_server: Any):
    url, headers = (
        f"{live_server.url}/mcp",
        {"x-api-key": new_key(), "accept": "application/json, text/event-stream"},
    )
    assert requests.get(url, headers=headers, timeout=30).status_code == 405
    assert requests.delete(url, headers=headers, timeout=30).status_code == 405
    wrong = requests.post(url, data="{", headers=headers | {"content-type": "application/json"}, timeout=30)
    assert wrong.status_code == 400
    assert wrong.json()["error"]["code"] == -32700
    big = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": {"x": "y" * 1_100_000}}}
    assert requests.post(url, json=big, headers=headers, timeout=30).status_code == 413


@pytest.mark.django_db(transaction=True)
def test_a_key_keeps_its_pace_here_too(live_server: Any):
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"x-api-key": new_key(per_minute=1), "accept": "application/json, text/event-stream"}
    codes = [
        requests.post(f"{live_server.url}/mcp", json=message, headers=headers, timeout=30).status_code
        for _ in range(3)
    ]
    assert 429 in codes


# Without the extra


def test_only_the_server_imports_the_extra():
    files = [path for folder in ("config", "crm", "enrichment") for path in (ROOT / folder).rglob("*.py")]
    importing = re.compile(r"^\s*(?:from|import) mcp(?:_types)?\b", re.MULTILINE)
    found = [
        path.relative_to(ROOT).as_posix()
        for path in files
        if importing.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["enrichment/agents/server.py"]


@pytest.mark.django_db
def test_without_the_extra_both_ways_say_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("enrichment.agents.web.find_spec", lambda name: None)
    answered = DjangoClient().post("/mcp", "{}", "application/json", headers={"x-api-key": new_key()})
    assert (answered.status_code, answered.json()["code"]) == (501, "not_installed")
    assert "pip install 'mcp" in answered.json()["detail"]
    monkeypatch.setattr("enrichment.management.commands.mcp.find_spec", lambda name: None)
    with pytest.raises(CommandError, match="pip install 'mcp"):
        call_command("mcp")


# The question agents are there for


TRANSCRIPT = """\
Which of my accounts raised money this quarter, and how do you know?

> find_records {"filters":[{"attribute":"last_funding_date","op":"gt","value":"2026-09-30"}],"attributes":["funding_stage","last_funding_date"],"sort_by":"last_funding_date"}
< {"total":2,"records":[{"id":"account-A","name":"Acme Robotics","domain":"acme.com","values":{"funding_stage":"Series B","last_funding_date":"2026-10-14"}},{"id":"account-B","name":"Globex","domain":"globex.de","values":{"funding_stage":"Seed","last_funding_date":"2026-11-02"}}]}

> get_record {"id":"account-A","attributes":["last_funding_date","last_funding_amount"]}
< {"id":"account-A","name":"Acme Robotics","kind":"account","total":2,"values":[{"attribute":"last_funding_date","value":"2026-10-14","source":"crunchbase","references":["https://www.crunchbase.com/organization/acme"],"since":"2026-10-20","checked":"2026-10-20"},{"attribute":"last_funding_amount","value":42000000,"unit":"USD","source":"crunchbase","references":["https://www.crunchbase.com/organization/acme"],"since":"2026-10-20","checked":"2026-10-20"}]}

> get_history {"id":"account-A","attribute":"last_funding_date"}
< {"id":"account-A","name":"Acme Robotics","total":2,"claims":[{"attribute":"last_funding_date","value":"2026-10-14","source":"crunchbase","references":["https://www.crunchbase.com/organization/acme"],"first_seen":"2026-10-20","state":"live","run":R2},{"attribute":"last_funding_date","value":"2025-06-30","source":"crunchbase","references":["https://www.crunchbase.com/organization/acme"],"first_seen":"2026-03-02","state":"superseded","until":"2026-10-20","run":R1}]}

> get_record {"id":"account-B","attributes":["last_funding_date","last_funding_amount"]}
< {"id":"account-B","name":"Globex","kind":"account","total":1,"values":[{"attribute":"last_funding_date","value":"2026-11-02","source":"crunchbase","references":["https://www.crunchbase.com/organization/globex"],"since":"2026-11-03","checked":"2026-11-03"}],"unknown":["last_funding_amount"],"next":"Nothing is known of these; plan_run says who could be asked."}
"""


@pytest.mark.django_db(transaction=True)
def test_who_raised_money_this_quarter_and_how_do_you_know(
    live_server: Any, capsys: pytest.CaptureFixture[str]
):
    accounts = fund_some()
    first, second = accounts["Acme Robotics"], accounts["Globex"]
    runs = (
        first.claims.filter(attribute="last_funding_date")
        .order_by("first_seen_at")
        .values_list("run", flat=True)
    )
    ids = {"account-A": f"account-{first.pk}", "account-B": f"account-{second.pk}"}
    numbers = {f'"run":R{place}': f'"run":{run}' for place, run in enumerate(runs, 1)}
    expected = TRANSCRIPT
    for written, real in (ids | numbers).items():
        expected = expected.replace(written, real)
    calls = [line.removeprefix("> ").split(" ", 1) for line in expected.splitlines() if line.startswith("> ")]

    async def converse(client: Client) -> str:
        lines = [expected.splitlines()[0]]
        for name, arguments in calls:
            _, answer = await said(client, name, **json.loads(arguments))
            lines += ["", f"> {name} {arguments}", f"< {answer}"]
        return "\n".join(lines) + "\n"

    transcript = over_http(live_server.url, new_key(), converse)
    with capsys.disabled():
        if os.environ.get("SHOW"):
            print(f"\n{transcript}")
    assert transcript == expected
