"""What vendors do wrong, by the corpora: through http, engine, ledger and claims to the row that says why."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from enrichment import runs
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


@pytest.mark.parametrize("fault", ["tls-unknown-ca", "tls-wrong-host", "tls-expired", "tls-stall"])
def test_no_secret_is_told_where_the_connection_is_not_secure(fault: str, fakes) -> None:
    fakes["corpus"] = CorpusSource()
    authority = trustme.CA()
    past = datetime(2020, 1, 2, tzinfo=UTC)
    certificate = {
        "tls-wrong-host": lambda: authority.issue_cert("other.example"),
        "tls-expired": lambda: authority.issue_cert(
            "127.0.0.1", not_before=past - timedelta(days=1), not_after=past
        ),
    }.get(fault, lambda: authority.issue_cert("127.0.0.1"))()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    is_stalled = fault == "tls-stall"
    case = Case(corpus="http-behaviours", name=fault, answer=b"", expected="no answer", recovers=False)
    with stage(CorpusSource(), tls=None if is_stalled else context, scheme="https") as ours:
        came = [ours.try_(case, cost=cost) for cost in (2, 0)]
    assert not [each.wrong for each in came if each.wrong]
    assert all(("did not finish" if is_stalled else "no secure connection") in each.reason for each in came)
    assert ours.next == b""  # nothing was read as a request


def test_a_name_server_that_takes_its_time_ends_at_the_deadline(
    fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes["corpus"] = CorpusSource()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: threading.Event().wait(5) or [])
    case = Case(corpus="http-behaviours", name="slow-dns", answer=b"", expected="no answer", recovers=False)
    with stage(CorpusSource()) as ours:
        monkeypatch.setenv("CORPUS_BASE_URL", "http://slow.example.com")
        came = [ours.try_(case, cost=cost) for cost in (2, 0)]
    assert not [each.wrong for each in came if each.wrong]
    assert all("in time" in each.reason for each in came)
