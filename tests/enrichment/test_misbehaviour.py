"""What vendors do wrong, by the corpora: through http, engine, ledger and claims to the row that says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enrichment import runs
from tests.torture import unsafe
from tests.torture.corpus_source import CorpusSource
from tests.torture.misbehaviour import Case, behaviours, bodies, json_texts, stage

pytestmark = [pytest.mark.django_db, pytest.mark.shared]


@pytest.fixture(autouse=True)
def no_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NAP", 0)


@pytest.mark.parametrize(
    ("cases", "cost"),
    [(bodies, 2), (bodies, 0), (json_texts, 2), (lambda _: behaviours(), 2), (lambda _: behaviours(), 0)],
    ids=["bodies-paid", "bodies-free", "json-paid", "wire-paid", "wire-free"],
)
def test_every_row_ends_in_its_named_outcome(
    cases: Callable[[Path], Iterator[Case]], cost: int, fakes, shared: Path
) -> None:
    fakes["corpus"] = CorpusSource()
    with stage(CorpusSource()) as ours:
        came = [ours.try_(case, cost=cost) for case in cases(shared)]
    assert len(came) > 20
    assert not [(each.case.name, each.outcome, each.lookup, each.wrong) for each in came if each.wrong]


@pytest.mark.parametrize("fault", unsafe.FAULTS)
def test_no_secret_is_told_where_the_connection_is_not_secure(fault: str, fakes) -> None:
    fakes["corpus"] = CorpusSource()
    came = list(unsafe.insecure(fault))
    reason = "did not finish" if fault == "tls-stall" else "no secure connection"
    assert len(came) == 2
    assert not [each.wrong for each in came if each.wrong]
    assert all(reason in each.reason for each in came)


def test_a_name_server_that_takes_its_time_ends_at_the_deadline(fakes) -> None:
    fakes["corpus"] = CorpusSource()
    came = list(unsafe.unnamed())
    assert len(came) == 2
    assert not [each.wrong for each in came if each.wrong]
    assert all("in time" in each.reason for each in came)
