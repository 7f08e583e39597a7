"""The page between "Enrich selected" and a run: what would be asked, at what price, and the choice of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from crm.admin.selection import Selection
from crm.selections import Selection as Chosen
from crm.selections import SelectionRefused, with_people
from enrichment.admin.base import require
from enrichment.models import EnrichmentSource
from enrichment.preview import preview
from enrichment.queries import attributes_of
from enrichment.runs import RunRefused, start
from sources.attributes import Kind

MAY_START = "enrichment.add_enrichmentrun"


@dataclass(frozen=True, slots=True)
class Option:
    """A box that can be ticked."""

    slug: str
    label: str
    is_ticked: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What the form asks for: attributes, sources (both None while untouched: all), cap in credits.

    `people`: attributes of the chief executives of companies.
    """

    attributes: frozenset[str] | None
    sources: frozenset[str] | None
    limit: str
    people: frozenset[str] = frozenset()

    @classmethod
    def read(cls, data: QueryDict) -> Choice:
        """The choice in submitted fields; without `chosen` nobody has touched the boxes."""
        if "chosen" not in data:
            return cls(None, None, "")
        return cls(
            frozenset(data.getlist("attribute")),
            frozenset(data.getlist("source")),
            data.get("limit", "").strip(),
            frozenset(data.getlist("person")),
        )

    def options(self, kind: Kind) -> tuple[list[Option], list[Option]]:
        """The boxes for attributes and for sources that are on."""
        attributes = [
            Option(slug, each.label, self.attributes is None or slug in self.attributes)
            for slug, each in attributes_of(kind).items()
        ]
        rows = EnrichmentSource.objects.filter(is_enabled=True).exclude(adapter="")
        sources = [
            Option(slug, label, self.sources is None or slug in self.sources)
            for slug, label in rows.values_list("slug", "label")
        ]
        return attributes, sources

    def people_options(self, kind: Kind) -> list[Option]:
        """The boxes for what only people have, of companies."""
        if kind is Kind.CONTACT:
            return []
        own = attributes_of(Kind.ACCOUNT)
        return [
            Option(slug, each.label, slug in self.people)
            for slug, each in attributes_of(Kind.CONTACT).items()
            if slug not in own and slug != "linkedin_url"
        ]

    @property
    def credit_limit(self) -> int | None:
        """The cap; raises RunRefused when it is no whole number."""
        if not self.limit:
            return None
        if not self.limit.isdecimal() or len(self.limit) > 9:
            raise RunRefused(
                f"'{self.limit[:20]}' is no number of credits: write a whole number, or leave it empty."
            )
        return int(self.limit)


def ticked(options: list[Option]) -> tuple[str, ...]:
    """The slugs that are ticked; () when all are, which means all, also those that come later.

    Raises RunRefused when none is.
    """
    slugs = tuple(option.slug for option in options if option.is_ticked)
    if not slugs and options:
        raise RunRefused("Tick at least one attribute and one source.")
    return () if len(slugs) == len(options) else slugs


class EnrichMixin:
    """The action "Enrich selected" of a record list, and its page."""

    actions = ("enrich_selected",)

    @admin.action(description="Enrich selected", permissions=["enrich"])
    def enrich_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """To the page that shows what would be asked."""
        return redirect(f"{self._enrich_url()}?{Selection.of_action(request).as_query}")

    def has_enrich_permission(self, request: HttpRequest) -> bool:
        """Whether this user may start runs."""
        return request.user.has_perm(MAY_START)

    def get_urls(self) -> list[URLPattern]:
        """The address of the page before those of the list and form."""
        model: Any = self.model  # type: ignore[attr-defined]
        view = self.admin_site.admin_view(self.enrich_view)  # type: ignore[attr-defined]
        own = path("enrich/", view, name=f"crm_{model._meta.model_name}_enrich")
        return [own, *super().get_urls()]  # type: ignore[misc]

    def enrich_view(self, request: HttpRequest) -> HttpResponse:
        """Show what would be asked (GET), or start it (POST)."""
        require(request, MAY_START)
        kind: Kind = self.model.kind  # type: ignore[attr-defined]
        data = request.POST if request.method == "POST" else request.GET
        selection, choice = Selection.of_form(data), Choice.read(data)
        records = selection.records(self, request)
        attributes, sources = choice.options(kind)
        people = choice.people_options(kind)
        context: dict[str, Any] = {
            "selection": selection, "attributes": attributes, "sources": sources, "people": people, "limit": choice.limit,
            "back": self._list_url(selection), "records_name": self.model._meta.verbose_name_plural,  # type: ignore[attr-defined]
        }  # fmt: skip
        try:
            chosen = Chosen(kind, records, ticked(attributes), ticked(sources), None, None)
            if of_people := [option.slug for option in people if option.is_ticked]:
                chosen = with_people(chosen, attributes=of_people, sources=chosen.sources)
            asked: dict[str, Any] = {
                "kind": kind, "records": records, "wanted": chosen.wanted, "sources": chosen.sources,
                "asks_next": chosen.next,
            }  # fmt: skip
            if request.method == "POST":
                run = start(**asked, credit_limit=choice.credit_limit, user=request.user)
                return redirect("admin:enrichment_enrichmentrun_change", run.pk)
            context["preview"] = preview(**asked)
        except (RunRefused, SelectionRefused) as refused:
            messages.error(request, str(refused))
        return self.render_page(request, "footnote/enrich.html", "Enrich", **context)  # type: ignore[attr-defined, no-any-return]

    def _enrich_url(self) -> str:
        return reverse(f"admin:crm_{self.model._meta.model_name}_enrich")  # type: ignore[attr-defined]

    def _list_url(self, selection: Selection) -> str:
        url = reverse(f"admin:crm_{self.model._meta.model_name}_changelist")  # type: ignore[attr-defined]
        return f"{url}?{selection.query}" if selection.query else url
