"""The official client, unmodified, in three versions: every method, in both forms, against our live server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import linkt
import pytest

from enrichment import runs
from tests.api.conftest import Api
from tests.api.queue import work_off
from tests.api.sdk_calls import CSV, config
from tests.api.world import make_surge
from tests.factories import make_account, make_source
from tests.fakes import FakeSource

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent.parent
VERSIONS = {"0.2.0": 38, "0.7.0": 46, "0.14.0": 46}
"""How many methods each version has."""


@pytest.fixture(autouse=True)
def world(
    fakes: dict[str, FakeSource], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(runs, "NAP", 0)
    fakes["fake"] = FakeSource("fake", acme_com={"headcount": 1234, "name": "Acme"})
    make_source("fake", rank=10, cadence="monthly")


@pytest.fixture
def path_of() -> Callable[[str], str]:
    """The folder in which `make` put a version; the one of the tests' own environment needs none."""

    def path(version: str) -> str:
        folder = Path(sys.prefix) / "sdk" / version
        if version == linkt.__version__ or folder.is_dir():
            return str(folder)
        reason = f"needs linkt-sdk {version}: make sdk"
        return pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    return path


def played(url: str, key: str, form: str, path: str) -> tuple[str, dict[str, str]]:
    """The version of a client that made all its calls, and by method what is wrong with an answer, empty for nothing."""
    command = [sys.executable, "-m", "tests.api.sdk_calls", url, key, form]
    found: dict[str, str] = {}
    version = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:  # fmt: skip
        assert program.stdin and program.stdout
        for line in program.stdout:
            told = json.loads(line)
            if told == "work":
                work_off()
                print(file=program.stdin, flush=True)
            elif "version" in told:
                version = told["version"]
            else:
                found[told["method"]] = found.get(told["method"]) or told["error"]
    assert program.returncode == 0
    return version, found


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_method_works(version, form, live_server, api: Api, path_of, record_property):
    make_surge(make_account(name="Bolt", external_id="001", external_source="salesforce"))
    runs_version, found = played(live_server.url, api.key, form, path_of(version))
    record_property("methods", [version, form, found])
    assert (runs_version, len(found)) == (version, VERSIONS[version])
    assert {name: error for name, error in found.items() if error} == {}


@pytest.fixture
def options(live_server: Any, api: Api) -> dict[str, Any]:
    return {
        "base_url": live_server.url,
        "api_key": api.key,
        "max_retries": 0,
        "_strict_response_validation": True,
    }


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[linkt.Linkt]:
    with linkt.Linkt(**options) as made:
        yield made


def test_refusals_become_the_clients_own_errors(client, options):
    with pytest.raises(linkt.NotFoundError) as missing:
        client.icp.retrieve("0" * 24)
    assert missing.value.body["code"] == "not_found"  # type: ignore[index]
    with pytest.raises(linkt.NotFoundError):
        client.signal.retrieve("0" * 24)
    with pytest.raises(linkt.UnprocessableEntityError, match="outside this product"):
        client.task.create(name="x", description="d", flow_name="search", deployment_name="main")
    with linkt.Linkt(**options | {"api_key": "wrong"}) as stranger, pytest.raises(linkt.AuthenticationError):
        stranger.icp.list()


def test_a_blind_retry_of_the_client_makes_one_run(client, options, monkeypatch):
    made = client.icp.create(
        name="x", description="d", entity_targets=[{"entity_type": "company", "description": "d"}]
    )
    file = client.files.upload(file=CSV)
    told = config({"files.upload": file})
    task = client.task.create(
        name="x", description="d", flow_name="ingest", deployment_name="main", task_config=told
    )
    from enrichment.api import base

    lost: list[str] = []
    finalize = base.ApiView.finalize_response

    def lose_the_first(self: Any, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = finalize(self, request, response, *args, **kwargs)
        if request.path.endswith("/execute") and not lost:
            lost.append(response.data["run_id"])
            answer.status_code = 503  # a gateway that gave up
        return answer

    monkeypatch.setattr(base.ApiView, "finalize_response", lose_the_first)
    with linkt.Linkt(**options | {"max_retries": 2}) as patient:
        assert patient.task.execute(task.id, icp_id=made.id).run_id == lost[0]
    assert client.run.list().total == 1
