"""Prompts and topics as users meet them: the client, the server, its workers, a model's server and a reader of pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import linkt
import pytest

from tests.api.research import Fact, Research, fact, researching
from tests.api.test_real_workers import told
from tests.enrichment.test_supervisor import House, expect

NAMES = ("Acme", "Globex", "Initech")
PROMPT = "Analyze {{ company_name }} and extract key metrics."
PLANTS = {"type": "expansion", "display": "Plants", "description": "A new plant"}


def stated(asked: str) -> list[Fact]:
    """What a model finds in the pages it is shown: products, and plants where a topic asks for them."""
    (name,) = (name for name in NAMES if f"{name} sells robots" in asked)
    topics = set(re.findall(r"watch_\d+_expansion", asked))
    products = [] if topics else [fact("product", f"{name} sells robots.")]
    return products + [fact(slug, f"{name} opens a plant.") for slug in topics]


@pytest.fixture
def world() -> Iterator[Research]:
    with researching() as world:
        world.pages = {
            f"https://{name.lower()}.com": f"{name} sells robots. {name} opens a plant." for name in NAMES
        }
        world.states = stated
        yield world


@pytest.fixture
def house(world: Research, tmp_path: Path) -> Iterator[House]:
    """An installation that asks that world."""
    house = House(tmp_path, **world.env)
    told(house, "migrate", "--verbosity", "0")
    told(house, "sync_sources")
    chosen = "from enrichment.models import EnrichmentSource as S; S.objects.filter(slug='ai_research')"
    told(house, "shell", "-c", f"{chosen}.update(settings={world.settings!r})")
    yield house
    house.end()


def carried_out(client: linkt.Linkt, icp: str, config: Any) -> None:
    """Make a task, execute it and wait for its end."""
    kind = config["type"]
    task = client.task.create(
        name="T", description="d", flow_name=kind, deployment_name="main", task_config=config
    )
    assert getattr(client.task.retrieve(task.id).task_config, "type", None) == kind
    run = client.task.execute(task.id, icp_id=icp, parameters={"unmatched": "create"}).run_id
    expect(lambda: client.run.retrieve(run)["status"] == "COMPLETED", 60, f"the end of {kind}")


def test_each_task_asks_once_about_each_company(house: House, world: Research):
    key = told(house, "create_api_key", "Script").splitlines()[-1]
    house.start("manage.py", "up", "--port", "0")
    with linkt.Linkt(base_url=house.line().split()[3].rstrip("/"), api_key=key) as client:
        wanted: Any = [{"entity_type": "company", "description": "- product: What they sell"}]
        icp = client.icp.create(name="Robots", description="d", entity_targets=wanted).id
        rows = "".join(f"{name},{name.lower()}.com\n" for name in NAMES)
        file = client.files.upload(file=f"name,website\n{rows}").file_id
        listed = {"type": "ingest", "file_id": file, "primary_column": "name", "csv_entity_type": "company"}
        carried_out(client, icp, listed)
        assert world.questions == []
        carried_out(client, icp, {"type": "profile", "prompt": PROMPT})
        carried_out(
            client, icp, {"type": "signal-topic", "topic_criteria": "New plants", "signal_types": [PLANTS]}
        )
        entities: Any = client.entity.list(icp_id=[icp]).entities
        products = {entity.data["product"]["value"] for entity in entities}
        expect(lambda: client.signal.list(icp_id=icp).total == len(NAMES), 60, "a signal of each company")
    assert products == {f"{name} sells robots." for name in NAMES}
    assert len(world.questions) == 2 * len(NAMES)
    asked = {text.partition("What is wanted of them:\n")[2].partition("\n")[0] for text in world.questions}
    assert {PROMPT.replace("{{ company_name }}", name) for name in NAMES} < asked
