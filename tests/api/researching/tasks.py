"""Tasks made, executed and looked at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F

from crm.models import Account
from enrichment import runs, signals
from enrichment.models import (
    EnrichmentRun,
)
from sources.attributes import Kind
from tests.api.conftest import Api
from tests.api.queue import work_off

PROMPT = "Analyze {{ company_name }} of {{ headquarters }} for {{ icp_name }}. Mind {{ topic }}."
CUSTOMERS = "Globex and Initech trust our robots"


def make_task(api: Api, config: dict[str, Any], flow: str = "profile", **fields: Any) -> dict[str, Any]:
    made = api.made("/v1/task", {"name": "Research", "flow_name": flow, "task_config": config} | fields)
    return dict(made)


def profile_task(api: Api, prompt: str = PROMPT, **fields: Any) -> str:
    return str(make_task(api, {"type": "profile", "prompt": prompt}, **fields)["id"])


def finished(api: Api, run_id: str) -> dict[str, Any]:
    work_off()

    for run in EnrichmentRun.objects.filter(scan=None):
        signals.scan(run.pk)
    run = api.get(f"/v1/run/{run_id}")[1]
    assert run["status"] == "COMPLETED", run
    return dict(run)


def later(**delta: float) -> None:
    """Let the runs there are be of an earlier time, so that executing again is no retry."""
    EnrichmentRun.objects.update(created_at=F("created_at") - timedelta(**delta))


def enrich_everybody(api: Api) -> None:
    finished(api, f"{runs.start(kind=Kind.ACCOUNT, records=Account.objects.all()).pk:024x}")


def refused(api: Api, task_id: str, body: Any = None) -> str:
    status, answer = api.post(f"/v1/task/{task_id}/execute", body or {})
    assert (status, answer["code"]) == (422, "run_refused"), answer
    return str(answer["detail"])
