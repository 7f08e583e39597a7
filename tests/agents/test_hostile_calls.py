"""Whatever a model makes up as arguments: an answer that fits its context, or one sentence about what to do."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from enrichment.agents.calling import TOOLS, call
from enrichment.agents.tools import Agent, ToolRefused
from tests.agents.world import fund_some
from tests.api.hostile import VALUES
from tests.factories import make_source

pytestmark = pytest.mark.django_db
EXAMPLES = max(20, int(os.environ.get("SCHEMA_EXAMPLES", "0")))
WORKER = Agent("a worker", frozenset({"read", "enrich"}))
LEAKS = re.compile(
    r"Traceback|File \"|psycopg|sqlite|django\.|Exception|(Type|Value|Key|Attribute|Data|Recursion)Error|SELECT "
)
USUAL = (
    "account", "contact", "account-1", "contact-1", "headcount", "funding_stage", "acme", 1, 2, 100, True, False,
    ["headcount"], ["funding_stage", "headcount"], ["crunchbase"], [{"attribute": "headcount", "op": "gt", "value": 5}],
    "2026-01-01",
)  # fmt: skip
OPERATORS = (
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "contains",
    "in",
    "is_null",
    "between",
    "known",
    "unknown",
    "x",
)
WORDS = st.sampled_from(USUAL) | st.sampled_from(VALUES)
JSON = st.recursive(
    WORDS | st.text(max_size=20) | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FILTER = st.fixed_dictionaries(
    {
        "attribute": st.sampled_from(
            ["headcount", "funding_stage", "last_funding_date", "tech_stack", "domain", "nonsense"]
        )
    },
    optional={"op": st.sampled_from(OPERATORS), "value": WORDS.map(str)},
)


def arguments(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a tool, most of them nearly right."""
    value = {
        key: st.lists(FILTER, max_size=3) | JSON if key == "filters" else JSON
        for key in TOOLS[name].schema["properties"]
    }
    return st.fixed_dictionaries({}, optional=value | {"more": JSON})


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_answers_shortly_or_says_what_to_do(name):
    make_source("crunchbase")
    fund_some()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments(name))
    def strike(told: dict[str, Any]) -> None:
        look_at(name, told)

    strike()
    for key in TOOLS[name].schema["properties"]:
        for value in VALUES:
            look_at(name, {"id": "account-1", "run": 1, "attributes": ["headcount"]} | {key: value})


def look_at(name: str, told: dict[str, Any]) -> None:
    """Call a tool; nothing of it stays."""
    with transaction.atomic():
        try:
            answer, longest = call(WORKER, name, told), 10_000
        except ToolRefused as refusal:
            answer, longest = str(refusal), 1_000
        transaction.set_rollback(True)
    assert 10 < len(answer) < longest, told
    assert not LEAKS.search(answer), answer
    answer.encode()
