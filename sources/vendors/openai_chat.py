"""Chat completions as OpenAI and many compatible servers speak them: a question with a JSON schema, an answer in JSON.

Fields and errors: OpenAI's published specification of `POST /chat/completions`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sources.contract import Http, Payload
from sources.errors import NotAllowed, PayloadChanged, SourceRefused
from sources.vendors.json_answers import complaint, mapping, mappings, raise_for_status, read_object, text

PATH = "chat/completions"

_NOT_UNDERSTOOD = (400, 415, 422)


def ask(http: Http, key: str, *, model: str, system: str, user: str, schema: Mapping[str, Any]) -> Payload:
    """The answer to a question; asked again for plain JSON by servers that know no schemas."""
    question = {
        "model": model,
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
    }
    headers = {"Authorization": f"Bearer {key}"}
    strict = {"name": "facts", "strict": True, "schema": schema}
    form: dict[str, Any] = {"type": "json_schema", "json_schema": strict}
    answer = http.post(PATH, json={**question, "response_format": form}, headers=headers)
    if answer.status in _NOT_UNDERSTOOD:
        form = {"type": "json_object"}
        answer = http.post(PATH, json={**question, "response_format": form}, headers=headers)
    return answer


def read_answer(payload: Payload) -> dict[str, Any]:
    """The JSON object that a model answered with; raises SourceError.

    SourceRefused also for used-up credit and for a model that does not exist, NotAllowed for a question that the
    model declines, PayloadChanged for prose, calls of tools, and answers that were cut.
    """
    code = _error_code(payload)
    if payload.status == 429 and "quota" in code:
        raise SourceRefused("the model's server says that no credit is left (429)")
    if payload.status == 404:
        raise SourceRefused(
            "the model's server knows no such model or address (404): see the setting 'model'"
        )
    raise_for_status(payload)
    answer = read_object(payload)
    if "choices" not in answer and complaint(payload):  # routers tell errors of the servers behind them so
        status = mapping(answer.get("error")).get("code", answer.get("code"))
        if isinstance(status, int) and 400 <= status < 600:
            return read_answer(replace(payload, status=status))
        raise PayloadChanged(f"the model's server answered with an error: {complaint(payload)}")
    choices = mappings(read_object(payload, "choices")["choices"])
    message = mapping(choices[0].get("message")) if choices else {}
    reason = choices[0].get("finish_reason") if choices else None
    if text(message.get("refusal")) or reason == "content_filter":
        raise NotAllowed("the model declines to answer about these pages")
    content = _content(message)
    if reason == "length":
        raise PayloadChanged("the model's answer was cut before its end")
    if content is None:
        raise PayloadChanged("the model's answer holds no text")
    return read_object(replace(payload, status=200, body=_unfenced(content).encode("utf-8", "replace")))


def _content(message: Mapping[str, Any]) -> str | None:
    """The text of a message: bare, in parts, or as what the model would call a tool with; None without one."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in mappings(content))
    if not content and (calls := mappings(message.get("tool_calls"))):
        content = mapping(calls[0].get("function")).get("arguments")
    return content if isinstance(content, str) and content else None


def _unfenced(content: str) -> str:
    """The text without the thoughts before it and the code fence that some models put around JSON."""
    shown = content.rpartition("</think>")[2].strip()
    if shown.startswith("```") and shown.endswith("```"):
        shown = shown[3:-3].removeprefix("json").strip()
    return shown


def _error_code(payload: Payload) -> str:
    """Type and code of an error, or ""."""
    try:
        error = mapping(json.loads(payload.body)).get("error")
    except (ValueError, RecursionError):
        return ""
    return f"{text(mapping(error).get('type'))} {text(mapping(error).get('code'))}"
