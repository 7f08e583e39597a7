"""What sources of company and people data share: claims out of an answer, whom it is about, bulk answers cut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sources.cleaning import Refused, country, domain, email, linkedin_url
from sources.contract import Call, Claim, Payload, Subject
from sources.errors import NotAllowed, PayloadChanged, SourceError
from sources.vendors.json_answers import read_json, text, texts

NOT_ASKED = 0
"""Status of a question of a batch that was left out: no HTTP answer has it."""

_LARGEST_GROWTH = 10.0
_TURNED_AWAY = frozenset((400, 413, 414, 422))
_MOST_REFUSALS = 40
_BY_ALIAS = 0.95
_LONGEST_CODE = 3
_CHIEFS = frozenset(("ceo", "chief executive", "chief executive officer"))
_TITLE_BREAK = re.compile(r"[,&/|+]| and ", re.IGNORECASE)


def claims(values: Mapping[str, Any], *references: str) -> tuple[Claim, ...]:
    """A claim for each value that says something, with the references that say something."""
    shown = tuple(dict.fromkeys(filter(None, references)))
    return tuple(
        Claim(attribute=slug, value=value, references=shown)
        for slug, value in values.items()
        if value not in (None, "", [])
    )


def site(value: Any) -> str:
    """The registrable domain that `value` names, or ""."""
    return _cleaned(domain, value)


def address(value: Any) -> str:
    """`value` as an e-mail address, or ""."""
    return _cleaned(email, value)


def company_page(value: Any) -> str:
    """The LinkedIn page of a company that `value` names ("company/acme", "linkedin.com/company/acme"), or ""."""
    page = _cleaned(linkedin_url, value)
    return "" if "/in/" in page else page


def profile_page(value: Any) -> str:
    """The LinkedIn profile of a person that `value` names, or ""."""
    page = _cleaned(linkedin_url, value)
    return page if "/in/" in page else ""


def is_chief(title: str) -> bool:
    """Whether a job title is that of the chief executive, perhaps beside others: "Founder & CEO"."""
    return any(part.strip().lower() in _CHIEFS for part in _TITLE_BREAK.split(title))


def land(value: Any) -> str:
    """The country `value` names, called as records call it, or ""."""
    return _cleaned(country, value)


def cased(value: Any) -> str:
    """A name of a person or place with its capitals, which registers and some answers do not keep."""
    shown = text(value)
    return shown.title() if shown.islower() or (shown.isupper() and len(shown) > _LONGEST_CODE) else shown


def place(*parts: Any) -> str:
    """City, state and country on one line, as far as they are known: "San Francisco, California, United States"."""
    return ", ".join(dict.fromkeys(filter(None, map(text, parts))))


def amount(value: Any) -> float | str | None:
    """An amount of money: a number above zero or a text such as "$1M-$10M"; None for the rest, zero is *unknown*."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if value > 0 else None
    return text(value) or None


def growth(value: Any) -> float | None:
    """A fraction of the headcount (0.0107) as per cent (1.07); None unless it is a plausible one.

    Ten times the people within months is no growth but a number in another unit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= _LARGEST_GROWTH:
        return None
    return round(value * 100, 2)


def is_miss(payload: Payload) -> bool:
    """Whether a 204 or 404 says that nobody is known: its body is empty or JSON. Raises PayloadChanged for a page."""
    if payload.status not in (204, 404):
        return False
    if payload.body.strip():
        read_json(payload)
    return True


def confidence(payload: Payload, name: str, aliases: Any) -> float | None:
    """Almost 1 when what was asked for as `name` is among the domains that the source calls the company's own.

    A company found by a domain that it gave up has another one in the answer: the aliases say that it is the same.
    """
    try:
        asked = parse_qs(urlsplit(payload.url).query).get(name, [""])[0]
    except ValueError:
        return None
    return _BY_ALIAS if asked and asked in map(site, texts(aliases)) else None


def ask_those(
    call: Call,
    question: Callable[[Subject], Mapping[str, Any]],
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Payload]],
    needs: str,
) -> list[Payload | SourceError]:
    """Answers to the questions of a call in order; `ask` gets those for which `question` is not empty, in one go.

    A batch that is turned away for one of its members, or for its size, is put again in halves (`in_halves`). The rest
    are not asked, since the source could not answer: `refuse_unasked` raises that for them. Raises
    NotAllowed, with `needs` as the sentence, when none can be asked.
    """
    asked = [question(entry.subject) for entry in call.questions]
    askable = [parameters for parameters in asked if parameters]
    if not askable:
        raise NotAllowed(needs)
    answers = iter(in_halves(askable, ask))
    left_out = Payload(status=NOT_ASKED, body=needs.encode())
    return [next(answers) if parameters else left_out for parameters in asked]


def in_halves(
    asked: Sequence[Mapping[str, Any]],
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Payload]],
) -> list[Payload | SourceError]:
    """The answers of `ask`; questions that were turned away together, which costs nothing, are put again in halves.

    So one that the vendor cannot read fails alone. After forty refusals those that are left share theirs: it is the
    source that has changed. A half to which no answer comes has the error in its place. Raises SourceError when no
    answer comes at all.
    """
    answers: dict[int, Payload | SourceError] = {}
    refusals, waiting = 0, [(0, len(asked))]
    while waiting:
        start, end = waiting.pop()
        try:
            told = ask(asked[start:end])
        except SourceError as error:
            if not answers:
                raise
            answers.update(dict.fromkeys(range(start, end), error))
            continue
        answers.update(zip(range(start, end), told, strict=True))
        if end - start > 1 and refusals < _MOST_REFUSALS and _is_turned_away(told):
            refusals, middle = refusals + 1, (start + end) // 2
            waiting += [(middle, end), (start, middle)]
    return [answers[number] for number in range(len(asked))]


def _is_turned_away(told: Sequence[Payload]) -> bool:
    """Whether an answer is one refusal for all of a batch; refusals of single members differ in their URL."""
    return told[0].status in _TURNED_AWAY and all(each == told[0] for each in told)


def refuse_unasked(payload: Payload) -> None:
    """Raise NotAllowed for a question that `ask_those` left out of a batch."""
    if payload.status == NOT_ASKED:
        raise NotAllowed(payload.body.decode("utf-8", "replace")[:200] or "this question was not asked")


def cut(
    payload: Payload,
    asked: Sequence[Mapping[str, Any]],
    items_of: Callable[[Any], Sequence[Any] | None],
) -> list[Payload]:
    """A bulk answer as one answer for each of `asked`, of the shape and with the URL that a single question gets.

    `items_of` takes the JSON body to one JSON value for each question. What cannot be cut, an error or another
    shape, is every question's answer as it is.
    """
    whole = [payload] * len(asked)
    if payload.status != 200:
        return whole
    try:
        items = items_of(read_json(payload))
    except PayloadChanged:
        return whole
    if items is None or len(items) != len(asked):
        return whole
    return [
        replace(payload, body=json.dumps(item).encode(), url=f"{payload.url}?{urlencode(question)}")
        for item, question in zip(items, asked, strict=True)
    ]


def _cleaned(read: Callable[[str], str], value: Any) -> str:
    try:
        return read(text(value))
    except Refused:
        return ""
