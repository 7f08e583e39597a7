"""What the log says: which run and item a line is about, and never a secret."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

IDS = ("run", "item", "lookup", "source")
_SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")
_SHORTEST = 4  # characters; anything shorter would blacken half of each line
_MASK = "***"
_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)


@contextmanager
def about(**ids: int) -> Iterator[None]:
    """Name `ids` (of IDS) in every line that is logged inside the block by this thread."""
    token = _about.set({**(_about.get() or {}), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def ids_of(record: logging.LogRecord) -> dict[str, Any]:
    """The ids a line is about: those of the block it is in, and those given to it as `extra`."""
    given = {name: getattr(record, name) for name in IDS if getattr(record, name, None) is not None}
    return {**(_about.get() or {}), **given}


def redact(text: str, *more: str) -> str:
    """`text` with the value of every configured secret, as it is and as in a URL, replaced; also those in `more`."""
    for secret in sorted({*_secrets(), *more}, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, _MASK)
    return text


def _secrets() -> Iterator[str]:
    """The values of variables with a telling name (in files too), and the passwords in addresses."""
    for name, value in os.environ.items():
        if name.endswith("_FILE"):
            name, value = name.removesuffix("_FILE"), _content(value)
        if name.endswith(_SECRET_ENDINGS):
            yield value.strip()
        elif name.endswith("_URL"):
            yield _password(value.strip())


@cache
def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


class _Formatter(logging.Formatter):
    """Lines without secrets; `secrets` are those that stand in no variable."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def redacted(self, text: str) -> str:
        """`text` without secrets."""
        return redact(text, *self._secrets)

    def trouble(self, record: logging.LogRecord) -> str:
        """The traceback and stack of a line, if it has any."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        return self.redacted("\n".join([*parts, *([record.stack_info] if record.stack_info else [])]))


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time, level, logger, message, ids, and the traceback where there is one."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.redacted(record.getMessage()),
            **ids_of(record),
        }
        if trouble := self.trouble(record):
            told["exception"] = trouble
        return json.dumps(told, ensure_ascii=False, default=str)


class PlainFormatter(_Formatter):
    """Short lines for people; a traceback follows below."""

    def format(self, record: logging.LogRecord) -> str:
        """The line: time, level, logger, message, ids."""
        ids = "".join(f" {name}={value}" for name, value in ids_of(record).items())
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{time} {record.levelname} {record.name}: {self.redacted(record.getMessage())}"
        trouble = self.trouble(record)
        return f"{line}{f' [{ids.strip()}]' if ids else ''}" + (f"\n{trouble}" if trouble else "")


def configuration(style: str, level: str, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Django's LOGGING: all lines to stderr, `style` json or text; `secrets` in no variable are hidden too."""
    formatter = JsonFormatter if style == "json" else PlainFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter, "secrets": secrets}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        # Django's own handler would print its lines a second time, in its own way.
        "loggers": {"django": {"handlers": [], "level": "NOTSET"}},
    }
