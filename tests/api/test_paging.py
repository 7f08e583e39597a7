"""Pages by number and by cursor."""

from __future__ import annotations

import pytest

from tests.api.world import list_account, make_profile, make_sheet

pytestmark = pytest.mark.django_db
NAMES = [f"Acme {number}" for number in range(5)]


@pytest.fixture
def path(api) -> str:
    sheet = make_sheet(api, make_profile(api))
    for name in NAMES:
        list_account(sheet, name=name)
    return f"/v1/sheet/{sheet.pk:024x}/entities?page_size=2"


def names(page) -> list[str]:
    return [entity["data"]["name"]["value"] for entity in page["entities"]]


@pytest.mark.parametrize(
    ("order", "expected"), [("", NAMES[::-1]), ("&order=asc", NAMES)], ids=["newest", "oldest"]
)
def test_a_cursor_leads_through_all_pages(api, path, order, expected):
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        status, page = api.get(f"{path}{order}&cursor={cursor}")
        assert status == 200 and page["total"] is None
        seen += names(page)
        cursor = page["next_cursor"]
    assert seen == expected


def test_what_is_new_moves_no_page_of_a_cursor(api, path):
    cursor = api.get(f"{path}&cursor=")[1]["next_cursor"]
    sheet = make_sheet(api, make_profile(api))
    list_account(sheet, name="New")
    assert names(api.get(f"{path}&cursor={cursor}")[1]) == ["Acme 2", "Acme 1"]


def test_page_numbers_count_all(api, path):
    page = api.get(f"{path}&page=3")[1]
    assert (names(page), page["total"], page["page"]) == (["Acme 0"], 5, 3)
    assert api.get(f"{path}&page=4")[1]["entities"] == []


@pytest.mark.parametrize("sort", ["created_at", "name"])
@pytest.mark.parametrize(("order", "expected"), [("desc", NAMES[::-1]), ("asc", NAMES)])
def test_page_numbers_lead_through_all_pages(api, path, sort, order, expected):
    pages = [api.get(f"{path}&sort_by={sort}&order={order}&page={number}")[1] for number in (1, 2, 3)]
    assert [name for page in pages for name in names(page)] == expected


@pytest.mark.parametrize("query", ["cursor=x", "cursor=5", f"cursor={'f' * 24}", "cursor=&sort_by=name"])
def test_a_cursor_that_makes_no_sense_is_refused(api, path, query):
    status, answer = api.get(f"{path}&{query}")
    assert (status, list(answer["errors"])) == (422, ["cursor"])


def test_a_page_by_cursor_counts_nothing(api, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as captured:
        api.get(f"{path}&cursor=")
    assert not [each for each in captured.captured_queries if "COUNT(" in each["sql"].upper()]
