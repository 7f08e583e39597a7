"""Several pages of one site as one payload, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sources.contract import Payload
from sources.errors import PayloadChanged
from sources.vendors.charset import decode
from sources.vendors.json_answers import mappings, read_object

KIND = "application/x-footnote-pages+json"
"""The content type of a payload of ours that holds pages; what a site sends under it is taken for a page of its own."""


def join(pages: Sequence[Payload], **more: Any) -> Payload:
    """The pages, the home page first, with `more` beside them; a single page stays as it came.

    Texts are kept as they read in their own character set.
    """
    home = pages[0]
    if len(pages) == 1 and not more and not _is_kept(home):
        return home
    kept = [
        {
            "url": page.url,
            "status": page.status,
            "headers": dict(page.headers),
            "text": decode(page.body, page.headers.get("content-type", "")),
        }
        for page in pages
    ]
    body = json.dumps({"pages": kept, **more}, ensure_ascii=False).encode("utf-8", "replace")
    return Payload(status=200, body=body, url=home.url, headers={"content-type": KIND})


def split(payload: Payload) -> list[Payload]:
    """The pages of a payload; raises PayloadChanged when it says it holds pages and does not."""
    if not _is_kept(payload):
        return [payload]
    pages = [_page(kept) for kept in mappings(read_object(payload, "pages")["pages"])]
    if not pages:
        raise PayloadChanged("the kept pages are not what this version writes")
    return pages


def beside(payload: Payload, name: str) -> Any:
    """What was kept under `name` beside the pages; None when nothing was. Raises PayloadChanged as `split`."""
    return read_object(payload).get(name) if _is_kept(payload) else None


def _page(kept: Mapping[str, Any]) -> Payload:
    url, status, text = kept.get("url"), kept.get("status"), kept.get("text")
    if not (isinstance(url, str) and isinstance(status, int) and isinstance(text, str)):
        raise PayloadChanged("a kept page is not what this version writes")
    given = kept.get("headers")
    headers = {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    kind = headers.get("content-type", "text/html").partition(";")[0]
    headers["content-type"] = f"{kind}; charset=utf-8"
    return Payload(status=status, body=text.encode("utf-8", "replace"), url=url, headers=headers)


def _is_kept(payload: Payload) -> bool:
    return payload.headers.get("content-type", "").partition(";")[0].strip().lower() == KIND
