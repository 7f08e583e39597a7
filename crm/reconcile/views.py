"""The addresses of the reconciliation service (W3C Reconciliation API 0.2)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.reconcile import suggesting
from crm.reconcile.access import ReconcileView
from crm.reconcile.entities import TYPES, load, read_id
from crm.reconcile.extending import extend, propose
from crm.reconcile.manifest import manifest
from crm.reconcile.previewing import shown
from crm.reconcile.queries import BadQuery, TooMany, read_batch
from crm.reconcile.scoring import answer
from enrichment.api.errors import TooLarge
from enrichment.api.errors import answer as refusal
from sources.attributes import Kind


class Service(ReconcileView):
    """Manifest, queries and data extension."""

    def check_permissions(self, request: Request) -> None:
        """The manifest is for everybody; a key that is shown must be a good one all the same."""
        if request.method != "GET" or {"queries", "extend"} & request.query_params.keys():
            super().check_permissions(request)

    def get(self, request: Request, key: str = "") -> Response:
        """The manifest, or the answer to queries in the query string."""
        if not {"queries", "extend"} & request.query_params.keys():
            return Response(manifest(_address(request), has_key=bool(key)))
        return Response(_answered(request.query_params))

    def post(self, request: Request, key: str = "") -> Response:
        """The answer to a batch of queries, or to a data extension query, in a form."""
        return Response(_answered(request.data))


class Suggest(ReconcileView):
    """Completions."""

    def get(self, request: Request, what: str, key: str = "") -> Response:
        """Entities, properties or types that a text may become."""
        prefix, skip = request.query_params.get("prefix", "").strip()[:200], _number(request, "cursor") or 0
        skip = min(skip, suggesting.MOST_SKIPPED)
        if what == "type":
            return Response({"result": suggesting.types(prefix, skip)})
        kind = _kind(request)
        found = suggesting.entities if what == "entity" else suggesting.properties
        return Response({"result": found(prefix, skip, kind)})


class Properties(ReconcileView):
    """What can be pulled."""

    def get(self, request: Request, key: str = "") -> Response:
        """The properties of a type."""
        limit, kind = _number(request, "limit"), _kind(request)
        told: dict[str, Any] = {
            "properties": propose(kind, limit),
            "type": request.query_params.get("type", ""),
        }
        return Response(told | ({"limit": limit} if limit is not None else {}))


class Preview(ReconcileView):
    """A small page about a record, to be shown in a frame of another site."""

    def get(self, request: Request, key: str = "") -> HttpResponse:
        """The page; 404 for an id that names nobody."""
        named = read_id(request.query_params.get("id", ""))
        record = load({named[0]: {named[1]}})[named[0]].get(named[1]) if named else None
        if record is None:
            raise NotFound("There is no record with this id.")
        response = render(request._request, "footnote/preview.html", shown(record))
        response.xframe_options_exempt = True
        # The page needs nothing but its own few styles, whatever a value may hold.
        response["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'"
        )
        return response


def view(request: HttpRequest, entity: str, key: str = "") -> HttpResponseRedirect:
    """From the address that an id stands for to the record's page in the admin, which asks who comes."""
    named = read_id(entity)
    if named is None:
        raise Http404
    return HttpResponseRedirect(reverse(f"admin:crm_{named[0].value}_change", args=[named[1]]))


def nowhere(request: HttpRequest, key: str = "") -> JsonResponse:
    """Where there is nothing; like all refusals here it is not logged, for the key that stands in its address."""
    response = JsonResponse(refusal("There is nothing at this address.", "not_found"), status=404)
    response["Access-Control-Allow-Origin"] = "*"
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _answered(told: Any) -> dict[str, Any]:
    try:
        if "queries" in told:
            return answer(read_batch(str(told["queries"])))
        if "extend" in told:
            return extend(str(told["extend"]))
    except TooMany as refused:
        raise TooLarge(str(refused)) from None
    except BadQuery as refused:
        raise ParseError(str(refused)) from None
    raise ParseError("Send a form with `queries` or `extend`.")


def _address(request: Request) -> str:
    return request.build_absolute_uri(request.path).rstrip("/")


def _kind(request: Request) -> Kind | None:
    """The kind of the type that is asked for; None for another type, or for none."""
    told = request.query_params.get("type", "")
    return Kind(told) if told in {kind.value for kind in TYPES} else None


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ParseError(f"{name} must be a whole number.")
    return int(text)
