"""What every adapter, present and future, must keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources import adapters as folder
from sources.attributes import BY_SLUG
from sources.contract import Claim, Finding, Payload, Source, Subject
from sources.errors import SourceError
from sources.registry import adapters

FILES = sorted(path.stem for path in Path(folder.__path__[0]).glob("[a-z]*.py"))
SUBJECT_FIELDS = {item.name for item in fields(Subject)} - {"kind", "known", "aliases"}

BODIES = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode()),
)
HEADERS = st.sampled_from(
    [{}, {"content-type": "text/html"}, {"content-type": "application/json"}, {"retry-after": "x"}]
)
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 422, 429, 500, 503, 599]
)

each_adapter = pytest.mark.parametrize("adapter", adapters().values(), ids=adapters())


def test_every_file_is_registered():
    assert set(FILES) <= set(adapters())


@each_adapter
def test_declares_itself(adapter: Source):
    assert adapter.slug.isidentifier() and adapter.slug == adapter.slug.lower()
    assert adapter.label and type(adapter).__doc__
    assert adapter.version >= 1 and adapter.kinds
    assert adapter.limits.deadline > 0 and adapter.limits.batch >= 1 and adapter.limits.max_bytes > 0
    assert adapter.cost.credits >= 0
    assert not adapter.secret or adapter.secret.env.isupper()


@each_adapter
def test_provides_attributes_of_the_catalogue_and_its_kinds(adapter: Source):
    assert len(set(adapter.provides)) == len(adapter.provides)
    for slug in adapter.provides:
        assert slug in BY_SLUG, slug
        assert BY_SLUG[slug].kinds & adapter.kinds, slug
    assert adapter.provides or adapter.template


@each_adapter
def test_needs_what_a_subject_has(adapter: Source):
    assert adapter.needs or adapter.template
    for alternative in adapter.needs:
        assert alternative
        assert set(alternative) <= SUBJECT_FIELDS | set(BY_SLUG)


@each_adapter
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, status=STATUSES, headers=HEADERS, url=st.sampled_from(["", "https://acme.example/"]))
def test_any_payload_is_findings_or_a_source_error(adapter: Source, body, status, headers, url):
    payload = Payload(status=status, body=body, url=url, headers=headers)
    try:
        first = adapter.parse(payload, {})
    except SourceError as error:
        assert str(error)
        return
    check(adapter, first)
    assert list(first) == list(adapter.parse(payload, {}))


def check(adapter: Source, findings: Sequence[Finding]) -> None:
    """Findings are claims of what the adapter provides, each with a reference."""
    for finding in findings:
        for claim in finding.claims:
            assert isinstance(claim, Claim)
            assert claim.references and all(claim.references)
            assert claim.attribute in adapter.provides or adapter.template
