"""Any JSON API that a user describes: an address or a body over the subject, JMESPath for what it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import quote

from sources.cleaning import Refused, domain, linkedin_url
from sources.contract import Call, Claim, Finding, Http, Payload, Secret, Source, Subject, Wanted
from sources.errors import NotAllowed, SourceRefused
from sources.vendors.configured_api import POST, Api, read
from sources.vendors.json_answers import raise_for_status, read_json, text

ASKED = "footnote-asked"
"""The header of a kept payload that says what was asked about, for references."""

_LEAST_SECRET = 6  # characters; a shorter one would black out ordinary words
_CLEANERS = {"domain": domain, "linkedin_url": linkedin_url}


class HttpApi(Source):
    """One question is one GET or POST; `configured` makes the adapter of a source from its settings."""

    slug = "http_api"
    label = "HTTP API"
    template = True
    api: ClassVar[Api | None] = None

    def configured(self, settings: Mapping[str, Any]) -> Source:
        """An adapter whose needs, answers, key and address are those of the settings; itself when they make no sense."""
        try:
            return _adapter(json.dumps(dict(settings), sort_keys=True))
        except SourceRefused:
            return self

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The answer as it came, but for the key; raises NotAllowed when an input is missing."""
        api = self.api or read(call.settings)
        missing = [name for name in api.inputs if not call.subject.told(name)]
        if missing:
            raise NotAllowed(f"The API is asked with {' and '.join(missing)}, which is not known")
        if api.secret and not call.key:
            raise SourceRefused(f"{api.secret} is not set")
        put = api.request(call.subject, call.key)
        if put.method == POST:
            answer = http.post(put.url, json=put.body, headers=put.headers)
        else:
            answer = http.get(put.url, headers=put.headers)
        asked = {name: str(call.subject.told(name)) for name in api.inputs}
        return [_sealed(answer, call.key, asked)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the paths find; () by the rule for misses, or when they find nothing."""
        if self.api is None:
            raise SourceRefused("The source is not set up: its settings cannot be used")
        if payload.status in self.api.miss_statuses:
            return ()
        raise_for_status(payload)
        answer = read_json(payload)
        if self.api.miss and self.api.miss.value(answer) not in (None, False):
            return ()
        reference = self.api.reference_of(answer, payload.url, _asked(payload))
        found = {slug: path.value(answer) for slug, path in self.api.attributes.items()}
        claims = tuple(
            Claim(attribute=slug, value=value, references=(reference,))
            for slug, value in found.items()
            if value is not None
        )
        return [_finding(self.api, answer, claims)] if claims else ()


@lru_cache(maxsize=64)
def _adapter(settings: str) -> HttpApi:
    """The adapter of settings, given as JSON. Raises SourceRefused."""
    api = read(json.loads(settings))
    told: dict[str, Any] = {
        "__doc__": HttpApi.__doc__, "api": api, "kinds": frozenset({api.kind}), "needs": (api.inputs,),
        "provides": tuple(api.attributes), "base_url": api.home, "secret": Secret(env=api.secret) if api.secret else None,
    }  # fmt: skip
    adapter: HttpApi = type("ConfiguredApi", (HttpApi,), told)()
    return adapter


def _finding(api: Api, answer: Any, claims: tuple[Claim, ...]) -> Finding:
    """Whom the answer names, where the settings say how; else it is about whoever was asked about."""
    identity: dict[str, Any] = {}
    for name, path in api.identity.items():
        try:
            value = text(path.value(answer))
            identity[name] = _CLEANERS[name](value) if value and name in _CLEANERS else value
        except Refused:
            continue
    named = {name: value for name, value in identity.items() if value}
    return Finding(subject=Subject(kind=api.kind, **named), claims=claims, names_nobody=not named)


def _sealed(payload: Payload, key: str, asked: Mapping[str, str]) -> Payload:
    """The payload without the key, wherever the API says it back, and with what was asked about."""
    headers = {**payload.headers, ASKED: json.dumps(asked)}
    body, url = payload.body, payload.url
    for said in {key, quote(key, safe="")} if len(key) >= _LEAST_SECRET else ():
        body, url = body.replace(said.encode(), b"***"), url.replace(said, "***")
        headers = {name: value.replace(said, "***") for name, value in headers.items()}
    return replace(payload, url=url, body=body, headers=headers)


def _asked(payload: Payload) -> dict[str, str]:
    try:
        told = json.loads(payload.headers.get(ASKED, "{}"))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}
