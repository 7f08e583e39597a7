"""Which records an action is about: a few ticked ones, or all that a list shows, however many."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.http import urlencode

TICKED_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Selection:
    """Either `ids`, or the query string of a list whose every row is meant (None: it is the ids)."""

    ids: tuple[int, ...] = ()
    query: str | None = None

    @classmethod
    def of_action(cls, request: HttpRequest) -> Selection:
        """What was ticked when an action was run on a list."""
        if request.POST.get("select_across") == "1":
            query = request.GET.copy()
            query.pop(PAGE_VAR, None)
            return cls(query=query.urlencode())
        return cls.read(ids=",".join(request.POST.getlist("_selected_action")))

    @classmethod
    def read(cls, *, ids: str = "", query: str | None = None) -> Selection:
        """The selection that a form or address spells; numbers only, everything else is left out."""
        if query is not None:
            return cls(query=query)
        numbers = [int(word) for word in ids.split(",") if word.isdecimal() and len(word) < 19]
        return cls(ids=tuple(numbers[:TICKED_AT_MOST]))

    @classmethod
    def of_form(cls, data: QueryDict) -> Selection:
        """The selection in the fields `as_fields` wrote."""
        return cls.read(ids=data.get("ids", ""), query=data.get("select"))

    @property
    def as_fields(self) -> dict[str, str]:
        """The selection as form fields, or as the query of an address."""
        if self.query is not None:
            return {"select": self.query}
        return {"ids": ",".join(map(str, self.ids))}

    @property
    def as_query(self) -> str:
        """The same, encoded for an address."""
        return urlencode(self.as_fields)

    def records(self, model_admin: Any, request: HttpRequest) -> QuerySet[Any]:
        """The records meant, as the list would show them to this user; none when the list's query is broken."""
        rows: QuerySet[Any] = model_admin.get_queryset(request)
        if self.query is None:
            return rows.filter(pk__in=self.ids)
        listing = copy.copy(request)
        listing.GET = QueryDict(self.query)
        listing.method = "GET"
        try:
            shown = model_admin.get_changelist_instance(listing)
        except IncorrectLookupParameters:
            return rows.none()
        # A plain set of ids: filters may have joined, sorted or annotated, which an INSERT … SELECT must not see.
        return rows.filter(pk__in=shown.queryset.order_by().values("pk"))
