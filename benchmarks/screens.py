"""P7: a page of the admin's list of accounts, as a signed-in person asks for it: opened, leafed through, searched, filtered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.test import Client
from django.urls import reverse
from unfold.admin import ModelAdmin

from benchmarks import world
from benchmarks.listing import make_sheet, milliseconds
from benchmarks.table import Row
from crm.admin.accounts import AccountAdmin
from crm.models import Account
from enrichment import bulk

_ROWS = AccountAdmin.list_per_page
_AT_MOST = 100.0  # milliseconds


def browsing(database: str, *, accounts: int) -> list[Row]:
    """Milliseconds of a page of the list of so many accounts, the peer's page, and the bare rows."""
    world.clear()
    make_sheet(accounts)
    world.settle_down()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("benchmark"))
    middle = accounts // 2
    pages = {
        "first page": "",
        "page halfway": f"p={middle // _ROWS}",
        "search by name": f"q=company+{middle}",
        "filter by segment": "segment=Enterprise",
        "filter by priority": "priority=P1",
    }
    bare = milliseconds(_read_bare)
    note = f"peer counts, leafs and searches as Django does; limit reads {_ROWS} rows bare by the primary key; {accounts:,} accounts"
    return [
        Row(
            number="P7", path=f"admin list {label}", database=database, unit="ms", ours=milliseconds(_asking(client, query)),
            peer=milliseconds(_in_django_way(_asking(client, query))), limit=bare, note=note,
            at_most=_AT_MOST if accounts >= 1_000_000 else None,
        )
        for label, query in pages.items()
    ]  # fmt: skip


def _asking(client: Client, query: str) -> Callable[[], None]:
    url = f"{reverse('admin:crm_account_changelist')}?{query}"

    def ask() -> None:
        answer = client.get(url)
        if answer.status_code != 200 or b"_selected_action" not in answer.content:
            raise AssertionError(f"{url} answered {answer.status_code}")

    return ask


def _in_django_way(ask: Callable[[], None]) -> Callable[[], None]:
    """The same page, counted, cut into pages and searched as Django's own admin does it."""
    accounts = admin.site.get_model_admin(Account)

    def ask_so() -> None:
        with patch.multiple(
            accounts, paginator=Paginator, get_search_results=partial(ModelAdmin.get_search_results, accounts)
        ):
            ask()

    return ask_so


def _read_bare() -> None:
    rows = bulk.select(
        f"SELECT id, name, domain, status, current_values FROM crm_account ORDER BY id LIMIT {_ROWS}"
    )
    if len(rows) != _ROWS:
        raise AssertionError("there are too few accounts")
