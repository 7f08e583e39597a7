"""An installation as its users run it: the server, its workers, and the official client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import linkt
import pytest

from tests.enrichment.test_supervisor import House, expect

CSV = "company_name,website\nAcme,acme.com\nNobody,nobody.example\n"
TABLE = "domain,name,headcount\nacme.com,Acme,1234\n"


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path)
    yield house
    house.end()


def told(house: House, *command: str) -> str:
    done = house.run("manage.py", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_upload_becomes_enriched_entities(house: House, tmp_path: Path):
    told(house, "migrate", "--verbosity", "0")
    (tmp_path / "known.csv").write_text(TABLE, encoding="utf-8")
    told(house, "add_reference", str(tmp_path / "known.csv"), "--slug", "known", "--key", "domain")
    key = told(house, "create_api_key", "Script").splitlines()[-1]
    house.start("manage.py", "up", "--port", "0")
    with linkt.Linkt(base_url=house.line().split()[3].rstrip("/"), api_key=key) as client:
        wanted: Any = [{"entity_type": "company", "description": "- employee_count: People"}]
        icp = client.icp.create(name="Bulk", description="d", entity_targets=wanted)
        file = client.files.upload(file=CSV)
        config: Any = {
            "type": "ingest",
            "file_id": file.file_id,
            "primary_column": "company_name",
            "csv_entity_type": "company",
        }
        task = client.task.create(
            name="E", description="d", flow_name="ingest", deployment_name="main", task_config=config
        )
        run = client.task.execute(task.id, icp_id=icp.id).run_id
        expect(lambda: client.run.retrieve(run)["status"] == "COMPLETED", 60, "the end of the run")
        queue = client.run.get_queue(run)
        assert [item["state"] for item in queue.entities] == ["completed", "discarded"]
        (entity,) = client.entity.list(icp_id=[icp.id]).entities
        value = entity.data["employee_count"]
        assert (value["value"], value["source"]) == (1234, "known")  # type: ignore[index]
