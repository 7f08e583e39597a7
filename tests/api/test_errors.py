from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/v1/", "/v1/nothing", "/v1/a%0Ab", "/v1/icp/12", "/v1/icp/" + "f" * 24, "/v1/icp/" + "0" * 24]
)
def test_an_address_without_anything_says_so_in_json(api, path):
    status, body = api.get(path)
    assert (status, body["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "no JSON"),
        (b'{"a": NaN}', "no JSON"),
        (b"[" * 100_000, "nested"),
        (b"\xff\xfe", "no JSON"),
        (b"1" * 5000, "no JSON"),
    ],
    ids=["half", "nan", "deep", "bytes", "long"],
)
def test_a_body_that_is_no_json_is_refused(api, body, word):
    status, answer = api.post("/v1/icp", body)
    assert (status, answer["code"]) == (400, "parse_error")
    assert word in answer["detail"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"name": "a\\u0000b"}', "NUL"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"name": 1e999}', "too large"),
        (b'{"name": 99999999999999999999999999}', "too large"),
        (b'{"name": ' + b"[" * 60 + b"]" * 60 + b"}", "levels"),
        (b"[]", "dictionary"),
        (b'"text"', "dictionary"),
        (b"7", "dictionary"),
        (b"null", "No data"),
    ],
    ids=["nul", "surrogate", "infinite", "huge", "levels", "list", "text", "number", "null"],
)
def test_a_body_that_nobody_could_keep_is_refused(api, body, word):
    status, answer = api.post("/v1/icp", body)
    assert (status, answer["code"]) == (422, "validation_error")
    assert word in str(answer)


def test_another_content_type_is_refused(api):
    response = api.client.post("/v1/icp", {"name": "x"}, headers={"x-api-key": api.key})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_method_that_is_not_there_is_refused(api):
    assert api.call("PATCH", "/v1/key")[0] == 405


def test_a_query_with_a_nul_is_refused(api):
    status, answer = api.get("/v1/icp?sort_by=%00")
    assert (status, answer["code"]) == (422, "validation_error")


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page_size=101",
        "page=99999999999999999999",
        "order=2",
        "sort_by=password",
        "mode=x",
    ],
)
def test_a_page_that_makes_no_sense_is_refused(api, query):
    status, answer = api.get(f"/v1/icp?{query}")
    assert (status, list(answer["errors"])) == (422, [query.split("=")[0]])


def test_the_other_methods_of_http_are_answered(api):
    status, told = api.call("OPTIONS", "/v1/icp")
    assert (status, "parses" in told) == (200, True)
    assert api.client.head("/v1/icp", headers={"x-api-key": api.key}).status_code == 200
    assert api.call("TRACE", "/v1/icp")[0] == 405
