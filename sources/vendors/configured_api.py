"""A JSON API as users describe it: address, headers, what is posted, the name of a secret, JMESPath for each attribute.

Settings are a JSON object with the keys of `FIELDS`. `check` says in one sentence a field what is wrong with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError

from sources.attributes import BY_SLUG, IDENTITY, Kind
from sources.cleaning import is_blank
from sources.contract import Subject
from sources.errors import PayloadChanged, SourceRefused

FIELDS = (
    *("url", "method", "body", "kind", "headers", "secret", "attributes", "identity"),
    *("reference", "miss_statuses", "miss"),
)
SECRET = "secret"
"""The placeholder of the key, in the address, in headers and in the body."""
GET, POST = "GET", "POST"

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"(?!FOOTNOTE_|DJANGO_|SECRET_KEY$)[A-Z][A-Z0-9_]{0,60}_(API_KEY|KEY|TOKEN|PASSWORD)")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,59}")
_HOLDS_KEY = re.compile(r"authorization|api[-_]?key|token|secret|passw|credential|^key$", re.IGNORECASE)
_REFERENCE = re.compile(r"https?://\S+|(?!https?:)[a-z][a-z0-9+.-]*:\S.*", re.IGNORECASE)
_MOST_TEXT, _MOST_BODY = 2_000, 20_000
_DEEPEST = 20


class _Wrong(ValueError):
    """A field makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled JMESPath."""

    text: str
    search: Callable[[Any], Any]

    def value(self, answer: Any) -> Any:
        """What it finds; None for nothing. Raises PayloadChanged when the answer is of a shape it cannot work on."""
        try:
            found = self.search(answer)
        except (JMESPathError, TypeError, ValueError, RecursionError) as error:
            raise PayloadChanged(f"{self.text} does not work on this answer: {_line(error)}") from None
        return None if is_blank(found) else found


@dataclass(frozen=True, slots=True)
class Template:
    """JSON whose texts hold placeholders; `names` are those."""

    content: Any
    names: tuple[str, ...]

    def filled(self, values: Mapping[str, Any]) -> Any:
        """The JSON about one subject: a text that is one placeholder becomes the value, with its type."""
        return _put_in(self.content, values)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent; `body` is None where nothing is posted."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Api:
    """Settings that make sense."""

    url: str
    method: str
    body: Template | None
    kind: Kind
    headers: Mapping[str, str]
    secret: str
    attributes: Mapping[str, Path]
    identity: Mapping[str, Path]
    reference: str
    miss_statuses: frozenset[int]
    miss: Path | None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What a subject must have to be asked about."""
        names = (*_PLACEHOLDER.findall(self.url), *(self.body.names if self.body else ()))
        return tuple(name for name in dict.fromkeys(names) if name != SECRET)

    @property
    def home(self) -> str:
        """Scheme and host of the address; "" when they depend on the subject."""
        parts = urlsplit(self.url)
        return "" if "{" in parts.netloc else f"{parts.scheme}://{parts.netloc}"

    def request(self, subject: Subject, key: str) -> Request:
        """The question about a subject."""
        values = {name: subject.told(name) for name in self.inputs} | {SECRET: key}
        url = _PLACEHOLDER.sub(lambda found: quote(str(values[found[1]]), safe=""), self.url)
        headers = {name: value.replace(f"{{{SECRET}}}", key) for name, value in self.headers.items()}
        return Request(self.method, url, headers, self.body.filled(values) if self.body else None)

    def reference_of(self, answer: Any, url: str, asked: Mapping[str, str]) -> str:
        """The reference of what an answer says: the template filled, or the address asked where it stays empty."""

        def filled(found: re.Match[str]) -> str:
            name = found[1]
            value = url if name == "url" else asked.get(name) if name in asked else _path(name).value(answer)
            empty.append(value is None or isinstance(value, dict | list))
            return str(value)

        empty: list[bool] = []
        text = _PLACEHOLDER.sub(filled, self.reference) if self.reference else ""
        return text if text and not any(empty) and _REFERENCE.fullmatch(text) else url


def check(settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, one sentence a field; {} when all is well."""
    wrong: dict[str, str] = {}
    for field in FIELDS:
        try:
            _READERS[field](settings.get(field), settings)
        except _Wrong as reason:
            wrong[field] = str(reason)
    return wrong


def read(settings: Mapping[str, Any]) -> Api:
    """The settings, compiled. Raises SourceRefused with the first thing that is wrong."""
    for field, sentence in check(settings).items():
        raise SourceRefused(f"Its {field.replace('_', ' ')} cannot be used: {sentence}")
    return Api(**{field: _READERS[field](settings.get(field), settings) for field in FIELDS})


def _url(value: Any, settings: Mapping[str, Any]) -> str:
    text = _text(value)
    example = "https://api.example.com/company?domain={domain}"
    if not text:
        raise _Wrong(f"Write the address, with what it is asked by in braces: {example}")
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or re.search(r"\s", text):
        raise _Wrong(f"This is no address: write one such as {example}")
    names = _PLACEHOLDER.findall(text)
    _check_inputs(names)
    if not set(names) - {SECRET} and settings.get("method") != POST:
        raise _Wrong("The address names nobody: put {domain}, {name} or another input into it.")
    _needs_secret("The address", text, settings)
    if settings.get("secret") and "{" in parts.netloc:
        raise _Wrong("The host depends on whom is asked about: no key may be sent there.")
    if any(_HOLDS_KEY.search(name) and value and "{" not in value for name, value in parse_qsl(parts.query)):
        raise _Wrong("The address holds a key: write {secret} in its place, and name its variable below.")
    return text


def _check_inputs(names: Iterable[str]) -> None:
    for name in names:
        if name != SECRET and name not in IDENTITY and name not in BY_SLUG:
            raise _Wrong(
                f"{{{name}}} is no input: write {', '.join(IDENTITY)} or the slug of an attribute in braces."
            )


def _method(value: Any, settings: Mapping[str, Any]) -> str:
    if value not in (None, "", GET, POST):
        raise _Wrong("Choose GET or POST.")
    return str(value or GET)


def _body(value: Any, settings: Mapping[str, Any]) -> Template | None:
    text = _text(value, most=_MOST_BODY)
    if settings.get("method") != POST:
        if text:
            raise _Wrong("A GET sends no body: choose POST, or empty this.")
        return None
    if not text:
        raise _Wrong('Write the JSON that is sent, such as {"domain": "{domain}"}')
    try:
        content = json.loads(text)
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()  # as it is sent
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"This is no JSON: {_line(error)}. Placeholders stand within quotes.") from None
    if not isinstance(content, dict | list):
        raise _Wrong("Write a JSON object or list.")
    names = tuple(dict.fromkeys(_names_in(content)))
    _check_inputs(names)
    if not {*names, *_PLACEHOLDER.findall(str(settings.get("url")))} - {SECRET}:
        raise _Wrong("Neither address nor body names anybody: put {domain}, {name} or another input into it.")
    _needs_secret("The body", text, settings)
    return Template(content, names)


def _names_in(content: Any, label: str = "", depth: int = 0) -> Iterator[str]:
    """The placeholders in texts; raises _Wrong for one in a name, and for a key that is written out."""
    if depth > _DEEPEST:
        raise _Wrong(f"This is nested more than {_DEEPEST} levels deep.")
    if isinstance(content, dict):
        for name, value in content.items():
            if _PLACEHOLDER.search(name):
                raise _Wrong(f"{name[:60]} is a name: placeholders stand in values only.")
            yield from _names_in(value, name, depth + 1)
    elif isinstance(content, list):
        for value in content:
            yield from _names_in(value, label, depth + 1)
    elif isinstance(content, str):
        if _HOLDS_KEY.search(label) and content and "{" not in content:
            raise _Wrong(
                f"{label[:60]} holds a key: write {{secret}} in its place, and name its variable below."
            )
        yield from _PLACEHOLDER.findall(content)


def _put_in(content: Any, values: Mapping[str, Any]) -> Any:
    """`content` with its placeholders replaced; values are JSON values, never part of the JSON's own text."""
    if isinstance(content, dict):
        return {name: _put_in(value, values) for name, value in content.items()}
    if isinstance(content, list):
        return [_put_in(value, values) for value in content]
    if not isinstance(content, str):
        return content
    if whole := _PLACEHOLDER.fullmatch(content):
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), content)


def _kind(value: Any, settings: Mapping[str, Any]) -> Kind:
    if value not in (None, "", *Kind):
        raise _Wrong("Choose companies or people.")
    return Kind(value or Kind.ACCOUNT)


def _headers(value: Any, settings: Mapping[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, text in _pairs(value, "Write a header as Name: value.").items():
        if not _HEADER.fullmatch(name) or not text.isprintable() or not text.isascii():
            raise _Wrong(f"{name[:60]!r} is no header: write Name: value in plain characters.")
        if _HOLDS_KEY.search(name) and f"{{{SECRET}}}" not in text:
            raise _Wrong(f"{name} holds a key: write {{secret}} in its place, and name its variable below.")
        _needs_secret(f"The header {name}", text, settings)
        headers[name] = text
    return headers


def _secret(value: Any, settings: Mapping[str, Any]) -> str:
    text = _text(value)
    if text and not _VARIABLE.fullmatch(text):
        raise _Wrong("Write the name of an environment variable such as ACME_API_KEY, never the key itself.")
    return text


def _attributes(value: Any, settings: Mapping[str, Any]) -> dict[str, Path]:
    pairs = _pairs(value, "Write attribute = JMESPath.")
    if not pairs:
        raise _Wrong("Give at least one attribute, such as headcount = company.size")
    for slug in pairs:
        if not _SLUG.fullmatch(slug):
            raise _Wrong(f"{slug[:60]!r} is no slug of an attribute.")
    return {slug: _path(text, slug) for slug, text in pairs.items()}


def _identity(value: Any, settings: Mapping[str, Any]) -> dict[str, Path]:
    pairs = _pairs(value, "Write domain = JMESPath.")
    for name in pairs:
        if name not in IDENTITY:
            raise _Wrong(f"{name[:60]} tells nobody from others: use {', '.join(IDENTITY)}.")
    return {name: _path(text, name) for name, text in pairs.items()}


def _reference(value: Any, settings: Mapping[str, Any]) -> str:
    text = _text(value)
    for inner in _PLACEHOLDER.findall(text):
        if inner != "url":
            _path(inner)
    if text and not _REFERENCE.fullmatch(_PLACEHOLDER.sub("x", "https://x" if text == "{url}" else text)):
        raise _Wrong("A reference is an address, or scheme:id, such as https://example.com/company/{id}")
    return text


def _statuses(value: Any, settings: Mapping[str, Any]) -> frozenset[int]:
    told = [404] if value is None else value
    is_whole = isinstance(told, list) and all(isinstance(each, int) and 100 <= each <= 599 for each in told)
    if not is_whole:
        raise _Wrong("Write HTTP statuses separated by commas, such as 404, 204.")
    return frozenset(told)


def _miss(value: Any, settings: Mapping[str, Any]) -> Path | None:
    text = _text(value)
    return _path(text) if text else None


_READERS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "url": _url, "method": _method, "body": _body, "kind": _kind, "headers": _headers, "secret": _secret, "attributes": _attributes, "identity": _identity,
    "reference": _reference, "miss_statuses": _statuses, "miss": _miss,
}  # fmt: skip


def _path(text: str, name: str = "") -> Path:
    """A compiled JMESPath; raises _Wrong."""
    try:
        return Path(text, jmespath.compile(text).search)
    except (JMESPathError, ValueError, RecursionError) as error:
        lead = f"{name}: " if name else ""
        raise _Wrong(f"{lead}{text[:80] or 'nothing'} is no JMESPath: {_line(error)}") from None


def _pairs(value: Any, sentence: str) -> dict[str, str]:
    """A mapping of texts; raises _Wrong with `sentence`."""
    told = value or {}
    if not isinstance(told, dict) or not all(isinstance(each, str) for pair in told.items() for each in pair):
        raise _Wrong(sentence)
    return {name.strip(): text.strip() for name, text in told.items()}


def _text(value: Any, *, most: int = _MOST_TEXT) -> str:
    if value is not None and not isinstance(value, str):
        raise _Wrong("Write a text.")
    text = (value or "").strip()
    if len(text) > most:
        raise _Wrong(f"This is longer than {most:,} characters.")
    return text


def _needs_secret(where: str, text: str, settings: Mapping[str, Any]) -> None:
    if f"{{{SECRET}}}" in text and not settings.get("secret"):
        raise _Wrong(f"{where} holds {{secret}}: name the variable of the key below.")


def _line(error: Exception) -> str:
    """The first line of what the library says."""
    return " ".join(str(error).strip().partition("\n")[0].split())[:160] or type(error).__name__
