"""BuiltWith's bulk jobs: handed in, asked about, read and cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sources.adapters.builtwith import BuiltWith
from sources.contract import Call, Payload, Pending, Question, Subject
from sources.errors import PayloadChanged, SourceRefused, SourceUnavailable
from tests.sources.adapters.paid_apis import Vendor
from tests.sources.adapters.public_apis import answer
from tests.torture.bulk import UNKNOWN, builtwith_results

JOB = "0b5e1d1c-6f0e-4a52-9c0a-3f1f9d7c2a11"
NAMES = [f"company{number}.com" for number in range(300)]
JOBS: Any = BuiltWith().configured({"batch": 200})


def call(*names: str, token: str = "") -> Call:
    questions = [Question(subject=Subject(domain=name), token=token) for name in names]
    return Call(questions=questions, wanted={}, settings={"batch": 200}, key="k")


def test_many_domains_are_handed_in_as_a_job():
    vendor = Vendor(answer({"job_id": JOB, "status": "queued", "count": 20, "sync_max": 16}, status=202))
    told = JOBS.fetch(call(*NAMES[:20]), vendor)
    assert {type(each) for each in told} == {Pending} and {each.token for each in told} == {JOB}
    (request,) = vendor.requests
    assert (request.method, request.url) == ("POST", "v23/domain/bulk")
    assert request.json["lookups"] == NAMES[:20]
    assert request.json["options"] == {
        "noMeta": False, "noPii": True, "hideText": False, "hideDL": True, "liveOnly": True,
    }  # fmt: skip


def test_few_domains_are_asked_about_at_once():
    vendor = Vendor(answer(builtwith_results(NAMES[:16])))
    assert len(JOBS.fetch(call(*NAMES[:16]), vendor)) == 16
    assert vendor.requests[0].url == "v22/api.json"


def test_a_list_that_is_answered_at_once_needs_no_job():
    told = JOBS.fetch(call(*NAMES[:20]), Vendor(answer(builtwith_results(NAMES[:20]))))
    assert [bool(JOBS.parse(each, {})) for each in told] == [name not in UNKNOWN for name in NAMES[:20]]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (answer({"Errors": [{"Code": -2}]}), SourceRefused),
        (answer({}, status=402), SourceRefused),
        (answer({"job_id": "../../whoamiv1", "status": "queued"}, status=202), PayloadChanged),
        (answer(b"<html>", status=200), PayloadChanged),
    ],
)
def test_a_job_that_is_not_taken_is_every_domains_error(told, error):
    payloads = JOBS.fetch(call(*NAMES[:20]), Vendor(told))
    for payload in payloads:
        with pytest.raises(error):
            JOBS.parse(payload, {})


@pytest.mark.parametrize(
    "status",
    [
        answer({"status": "queued"}),
        answer({"status": "running"}),
        answer({}, status=429),
        answer(b"<html>", status=503),
        answer({"error": "key"}, status=401),
        SourceUnavailable("timed out"),
    ],
)
def test_a_job_that_is_not_done_is_asked_about_again(status):
    vendor = Vendor(status)
    told = JOBS.fetch(call(*NAMES[:3], token=JOB), vendor)
    assert [each.token for each in told] == [JOB] * 3
    assert [request.url for request in vendor.requests] == [f"v23/domain/bulk/{JOB}"]


@pytest.mark.parametrize("state", ["complete", "completed"])
def test_a_job_that_is_done_is_read_and_cut(state):
    vendor = Vendor(answer({"status": state}), answer(builtwith_results(NAMES[:3])))
    told = JOBS.fetch(call(*NAMES[:3], token=JOB), vendor)
    assert [request.url for request in vendor.requests][1] == f"v23/domain/bulk/{JOB}/result"
    assert [JOBS.parse(each, {})[0].subject.domain for each in told] == NAMES[:3]


def test_a_result_that_is_refused_is_still_there():
    told = JOBS.fetch(
        call("a.com", token=JOB), Vendor(answer({"status": "complete"}), answer({}, status=429))
    )
    assert [each.token for each in told] == [JOB]


def test_a_failed_job_costs_nothing_and_one_that_is_gone_may_have():
    url = f"https://api.builtwith.com/v23/domain/bulk/{JOB}"
    with pytest.raises(SourceUnavailable, match="failed") as failed:
        JOBS.parse(answer({"status": "error"}, url=url), {})
    with pytest.raises(SourceUnavailable, match="read before") as gone:
        JOBS.parse(Payload(status=404, body=b"", url=f"{url}/result"), {})
    assert (failed.value.is_free, gone.value.is_free) == (True, False)


@pytest.mark.parametrize("size", ["200", 0, -5, 5001, True, [200]])
def test_a_batch_that_makes_no_sense_is_not_used_and_sends_nothing(size):
    assert BuiltWith().configured({"batch": size}).limits.batch == 16
    vendor = Vendor(answer({}))
    with pytest.raises(SourceRefused, match="'batch' is no number from 1 to 5,000"):
        JOBS.fetch(replace(call("a.com"), settings={"batch": size}), vendor)
    assert vendor.requests == []


def test_without_the_setting_sixteen_are_asked_about_at_once():
    assert BuiltWith().configured({"batch": None}).limits.batch == 16
