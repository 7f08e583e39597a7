"""DataGen's tool gateway: one endpoint, an envelope around each tool's result, and results without published shape.

Envelope and errors: the published Python client. What a tool returns is read defensively: by the words that vendors
use for a fact, in snake_case or camelCase, wherever in the result it stands, also as JSON within a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from sources.attributes import slug_of
from sources.cleaning import Refused, url
from sources.contract import Call, Http, Payload
from sources.errors import PayloadChanged, RateLimited, SourceRefused, SourceUnavailable
from sources.vendors.json_answers import mapping, mappings, raise_for_status, read_object, text, texts

Json = Mapping[str, Any]

BASE_URL = "https://api.datagen.dev"
KEY = "DATAGEN_API_KEY"
HELP = "https://www.datagen.dev/"
MISSING: Any = object()
"""What `result_of` answers when the tool says that there is no such subject."""

_PATH = "api/tools/execute"
_MISS = re.compile(r"\bnot found\b|does not exist|\bno (?:result|match|profile|data)s?\b|\b404\b", re.I)
_NO_TOOL = re.compile(r"\b(?:tool|alias)\b.{0,60}(?:not found|unknown|does not exist)|unknown tool", re.I)
_PAUSE = re.compile(r"rate.?limit|too many requests|\b429\b", re.I)
_REFUSAL = re.compile(
    r"credit|quota|payment|billing|unauthori[sz]ed|forbidden|(?:invalid|missing|wrong) api.?key"
    r"|not (?:connected|authenticated)|\b40[123]\b",
    re.I,
)
_MOST_TEXT = 200_000
_MOST_TRIES = 20
_MOST_OBJECTS = 50
_INTO = (
    "person",
    "profile",
    "company",
    "data",
    "result",
    "results",
    "output",
    "answer",
    "structured_content",
    "content",
    "text",
)
_LINKS = ("citations", "sources", "references", "source_urls", "urls", "links")
_MOST_LINKS = 10


def execute(call: Call, http: Http, tool: str, parameters: Json) -> Payload:
    """Run a tool; the setting `tool` names another alias of it."""
    alias = text(call.settings.get("tool")) or tool
    body = {"tool_alias_name": alias, "parameters": dict(parameters)}
    return http.post(_PATH, json=body, headers={"X-API-Key": call.key})


def result_of(payload: Payload) -> Any:
    """The tool's result out of its envelope, MISSING when it knows no such subject; raises SourceError."""
    raise_for_status(payload)
    answer = read_object(payload, "success")
    if answer["success"] is not True:
        return _failed(answer)
    inner = answer.get("data")
    if isinstance(inner, dict) and "success" in inner:
        if inner["success"] is not True:
            return _failed(inner)
        inner = inner.get("result")
        if isinstance(inner, dict) and inner.get("isError") is True:  # a tool's own way to say that it failed
            return _failed({"error": next(iter(_said(inner.get("content"))), "")})
        return inner
    if inner is None:
        raise PayloadChanged("DataGen answered with success and without a result")
    return inner


def objects(result: Any) -> Iterator[dict[str, Any]]:
    """The JSON objects in a result, outer ones first, with their keys in snake_case."""
    waiting, seen = [result], 0
    while waiting and seen < _MOST_OBJECTS:
        item, seen = waiting.pop(0), seen + 1
        if isinstance(item, list):
            waiting.extend(item[:_MOST_OBJECTS])
        elif isinstance(item, str):
            waiting.extend(_json_in(item))
        elif isinstance(item, dict):
            known = snake(item)
            yield known
            waiting.extend(known[key] for key in _INTO if key in known)


def links(result: Any) -> list[str]:
    """The pages that a result gives as its sources."""
    found: list[str] = []
    for item in objects(result):
        for key in _LINKS:
            given = item.get(key)
            for each in given[:_MOST_LINKS] if isinstance(given, list) else [given]:
                link = (
                    mapping(each).get("url") or mapping(each).get("link") if isinstance(each, dict) else each
                )
                found.append(_link(link))
    return list(dict.fromkeys(filter(None, found)))[:_MOST_LINKS]


def first(item: Json, names: Sequence[str]) -> Any:
    """The first value under one of `names` that says something; None when there is none."""
    return next((item[name] for name in names if item.get(name) not in (None, "", [], {})), None)


def snake(item: Json) -> dict[str, Any]:
    """An object with its keys in snake_case: `followerCount` is `follower_count`."""
    return {slug_of(str(key)[:100]): value for key, value in item.items()}


def _said(content: Any) -> list[str]:
    """The texts of a tool's answer."""
    return texts([each.get("text") for each in mappings(content)])


def _json_in(shown: str) -> Iterator[Any]:
    """The first JSON object within a text, which may stand in a code fence or after a sentence."""
    shown, position = shown[:_MOST_TEXT], -1
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    for _ in range(_MOST_TRIES):
        position = shown.find("{", position + 1)
        if position < 0:
            return
        try:
            yield decoder.raw_decode(shown, position)[0]
            return
        except (ValueError, RecursionError):
            continue


def _failed(answer: Json) -> Any:
    """What the sentence of a failure means: MISSING, or the error."""
    said = text(answer.get("error")) or text(mapping(answer.get("error")).get("message"))
    if _NO_TOOL.search(said):
        raise SourceRefused("DataGen has no tool of this name for this account: see the setting 'tool'")
    if _PAUSE.search(said):
        raise RateLimited("DataGen asks for a pause")
    if _REFUSAL.search(said):
        raise SourceRefused("DataGen's tool refused: a key, a connection or credit is missing")
    if _MISS.search(said):
        return MISSING
    raise SourceUnavailable(f"DataGen's tool failed: {said[:200] or 'ask again later'}")


def _link(value: Any) -> str:
    try:
        return url(text(value))
    except Refused:
        return ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
