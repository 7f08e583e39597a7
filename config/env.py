"""Typed readers of the environment: a strange value stops the start with one clear sentence."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    """The variable `name`, or the content of the file named by `<name>_FILE`."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(
                f"{name}_FILE names {path}, which cannot be read: {error.strerror}"
            ) from None
    return os.environ.get(name, default)


def boolean(name: str, default: bool) -> bool:
    """A yes or no: 1 true yes on, 0 false no off."""
    value = text(name, "1" if default else "0").strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is '{value}': write 1 or 0")


def integer(name: str, default: int) -> int:
    """A whole number."""
    value = text(name, str(default)).strip()
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is '{value}': write a whole number") from None


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One word of `allowed`."""
    value = text(name, default).strip().lower()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is '{value}': write {' or '.join(allowed)}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret_key(name: str, home: Path) -> str:
    """The variable `name`, else a key made once and kept readable only to its owner in `home`."""
    value = text(name)
    if value:
        return value
    path = home / "secret_key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text(encoding="ascii")
