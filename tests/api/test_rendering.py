"""What goes out reads as the framework's own JSON would."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.renderers import JSONRenderer

from enrichment.api.rendering import Json
from enrichment.models import EnrichmentRun

_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.dates(),
    st.datetimes(timezones=st.just(UTC)), st.text(st.characters(exclude_categories=["Cs"])), st.decimals(allow_nan=False, allow_infinity=False),
)  # fmt: skip


@given(
    st.recursive(
        _LEAVES,
        lambda each: st.lists(each) | st.dictionaries(st.text("ab"), each) | st.tuples(each, each),
        max_leaves=8,
    )
)
def test_every_answer_reads_the_same(data):
    assert json.loads(Json().render([data])) == json.loads(JSONRenderer().render([data]))


@pytest.mark.parametrize(
    "data",
    [{1: "a"}, 2**70, EnrichmentRun.Status.PAUSED, gettext_lazy("Name"), {"at": datetime(2026, 1, 5, tzinfo=UTC)}, date(2026, 1, 5), Decimal("1.50")],
    ids=["number as key", "large number", "choice", "lazy text", "moment", "day", "decimal"],
)  # fmt: skip
def test_what_needs_care_reads_the_same(data):
    assert json.loads(Json().render([data])) == json.loads(JSONRenderer().render([data]))


def test_nothing_is_an_empty_body():
    assert Json().render(None) == b""
