"""The complete script of the guide the product was conceived from, with only its address and key changed."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from enrichment import runs
from tests.api.conftest import Api
from tests.api.queue import work_off
from tests.factories import make_source
from tests.fakes import FakeSource

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shared]


def script(shared: Path, url: str, key: str) -> str:
    """The "Complete Example", which is what stands between its heading and "Best Practices"."""
    guide = (shared / "seeds" / "000_786276b1480987f2.txt").read_text(encoding="utf-8")
    text = guide.split("\nComplete Example\n", 1)[1].split("\nBest Practices\n", 1)[0]
    code = text[text.index("import requests") :]
    code, keys = re.subn(r'^API_KEY = ".*"$', f'API_KEY = "{key}"', code, flags=re.MULTILINE)
    code, urls = re.subn(r'^BASE_URL = ".*"$', f'BASE_URL = "{url}/v1"', code, flags=re.MULTILINE)
    assert (keys, urls) == (1, 1)
    return code


def test_the_complete_script_prints_enriched_values(
    shared, live_server, api: Api, fakes: dict[str, FakeSource], settings: Any, tmp_path, monkeypatch, capsys
):
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(runs, "NAP", 0)
    found = {"name": "Acme", "tech_stack": ["Django", "React"], "headcount": 1234, "primary_product": "CRM"}
    fakes["fake"] = FakeSource("fake", acme_com=found)
    fakes["fake"].provides = tuple(found)  # type: ignore[misc]
    make_source("fake", rank=10, cadence="monthly")
    rows = [("Acme", "acme.com"), *((f"Company {n}", f"company{n}.example") for n in range(501))]
    text = "company_name,website\n" + "".join(f"{name},{site}\n" for name, site in rows)
    (tmp_path / "companies.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda seconds: work_off())  # its polls are what lets the workers work
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(script(shared, live_server.url, api.key), "guide", "exec"), names)
    printed = capsys.readouterr().out
    assert "Processing 502 rows in 2 batches..." in printed
    assert "Batches complete: 2/2" in printed
    assert "Total entities: 1\n" in printed
    assert "  Acme\n    Product: CRM\n    Tech: ['Django', 'React']" in printed
    entity = names["result"]["entities"][0]
    assert entity["data"]["employee_count"]["value"] == 1234
    assert entity["data"]["tech_stack"]["references"] == ["https://fake/acme.com"]
