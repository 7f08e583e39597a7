"""Batches, the index of names, and what the service says to nonsense."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.reconcile import known
from sources.attributes import Kind
from tests.crm.reconcile.world import Refine, check, company


def test_an_index_that_takes_long_to_make_is_not_made_at_every_write(
    crm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    first = known.names(Kind.ACCOUNT)
    company(name="Initech")
    monkeypatch.setattr(known, "_CHEAP", -1000.0)
    assert known.names(Kind.ACCOUNT) is first
    monkeypatch.setattr(known, "_LONGEST", 0.0)
    assert len(known.names(Kind.ACCOUNT)) == len(first) + 1


def test_nobody_waits_for_an_index_that_is_made_anew(crm: dict[str, Any]):
    first = known.names(Kind.ACCOUNT)
    company(name="Initech")
    with known._lock:
        assert known.names(Kind.ACCOUNT) is first
    assert known.names(Kind.ACCOUNT) is not first


def test_a_large_batch_takes_as_many_queries_as_a_small_one(refine: Refine, crm: dict[str, Any]):
    def count(size: int) -> int:
        batch = {
            f"q{n}": {"query": f"Jane Roe {n}", "properties": [{"pid": "city", "v": "Berlin"}]}
            for n in range(size)
        }
        refine.find("warm")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert refine.client.post(refine.base, {"queries": json.dumps(batch)}).status_code == 200
        return len(queries)

    assert count(50) == count(2) < 20


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({}, 400, "Send a form"),
        ({"queries": "{"}, 400, "no JSON"),
        ({"queries": "[]"}, 400, "JSON object"),
        ({"queries": '{"q": 1}'}, 400, "q: a query is"),
        ({"queries": '{"q": {"query": 5}}'}, 400, "must be a text"),
        ({"queries": '{"q": {"query": "a", "limit": 0}}'}, 400, "positive"),
        ({"queries": '{"q": {"query": "a", "limit": NaN}}'}, 400, "positive"),
        ({"queries": '{"q": {"query": "a", "type": [1]}}'}, 400, "type"),
        ({"queries": '{"q": {"query": "a", "properties": [{"pid": "x"}]}}'}, 400, "pid and a v"),
        ({"queries": json.dumps({str(n): {"query": "a"} for n in range(51)})}, 413, "50 queries"),
        ({"queries": '{"\\ud800": {"query": "a"}}'}, 400, "half of a character"),
        ({"extend": '{"ids": ["\\udfff"], "properties": []}'}, 400, "half of a character"),
        ({"extend": '{"ids": "a", "properties": []}'}, 400, "ids must"),
        ({"extend": '{"ids": [], "properties": [{"id": "shoe_size"}]}'}, 400, "no property shoe_size"),
        ({"extend": '{"ids": [], "properties": [{"id": "city", "settings": {"content": "x"}}]}'}, 400, "content"),
        ({"extend": json.dumps({"ids": ["a"] * 1001, "properties": []})}, 413, "1,000 ids"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_one_sentence(
    refine: Refine, form: Any, status: int, words: str
):
    answered = refine.client.post(refine.base, form)
    assert answered.status_code == status
    assert words in answered.json()["detail"]


@pytest.mark.parametrize("query", ["", "   ", "\x00", "💥" * 600, "a.b", "@", "account-0", "1e999", "'; --"])
def test_odd_queries_have_answers(refine: Refine, crm: dict[str, Any], query: str):
    odd = {"query": query, "properties": [{"pid": "email", "v": query}, {"pid": "headcount", "v": None}]}
    answered = refine.client.post(refine.base, {"queries": json.dumps({"q": odd})})
    assert answered.status_code == 200
    check("results", answered.json())
