"""Uploaded files between two pages: kept for a day, readable only by whoever uploaded them."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile

_SALT = "footnote.upload"
_KEPT = 24 * 3600  # seconds
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class UploadRefused(ValueError):
    """The file cannot be taken; str() is one sentence."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was uploaded: where it lies, what people call it, and the token that finds it again."""

    path: Path
    name: str
    token: str


def keep(file: UploadedFile[Any] | None, user: Any) -> Upload:
    """Store an uploaded file for the next page; raises UploadRefused when there is none or it is too large."""
    if file is None or not file.name:
        raise UploadRefused("Choose a file first.")
    if file.size is None or file.size > settings.UPLOAD_MAX_BYTES:
        megabytes = settings.UPLOAD_MAX_BYTES // 1_000_000
        raise UploadRefused(f"{file.name[:80]} is larger than {megabytes} MB: split it into smaller files.")
    folder = _folder()
    ending = Path(file.name).suffix.lower()
    stored = secrets.token_hex(16) + (ending if _ENDING.fullmatch(ending) else "")
    with (folder / stored).open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    name = Path(file.name).name[:200]
    return Upload(folder / stored, name, signing.dumps([stored, name, user.pk], salt=_SALT))


def reopen(token: str, user: Any) -> Upload:
    """The file a token stands for; raises UploadRefused when it is gone or somebody else's."""
    gone = UploadRefused("The uploaded file is no longer there: upload it again.")
    try:
        stored, name, owner = signing.loads(token, salt=_SALT, max_age=_KEPT)
    except (signing.BadSignature, ValueError):
        raise gone from None
    path = _folder() / stored
    if owner != user.pk or not path.is_file():
        raise gone
    return Upload(path, name, token)


def drop(upload: Upload) -> None:
    """Delete a file that is no longer needed."""
    upload.path.unlink(missing_ok=True)


def _folder() -> Path:
    """Where uploads lie; what is older than a day goes."""
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    too_old = time.time() - _KEPT
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < too_old:
                path.unlink()
    return folder
