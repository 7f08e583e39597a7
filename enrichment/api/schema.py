"""The OpenAPI description: names of operations, and the refusals that every operation may answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

_REFUSALS = {
    "401": "The API key is missing, unknown, revoked or expired.",
    "403": "The key lacks the scope.",
    "422": "The request is understood, but does not fit.",
    "429": "The key's pace is used up.",
    "503": "The database is busy.",
}
_OF_BODY = {
    "400": "The body is no JSON.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
}
_ERROR = {
    "type": "object",
    "description": "Why a request was refused.",
    "properties": {
        "detail": {"type": "string", "description": "One sentence: what is wrong, and what to do."},
        "code": {"type": "string", "description": "A word a program can go by."},
        "errors": {
            "type": "object",
            "description": "Sentences by field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["detail", "code", "errors"],
}
_SIGNED = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("webhook-id", "The same whenever the message comes again."),
        ("webhook-timestamp", "When it was signed, in seconds since 1970."),
        ("webhook-signature", "As Standard Webhooks signs."),
    )
]


class Description(AutoSchema):
    """One tag and one operation id for each address: `icp_list`, `run_queue`."""

    def get_tags(self) -> list[str]:
        """The first word behind /v1/."""
        return [self.path.removeprefix("/v1/").split("/")[0]]


def add_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Name the refusals at every operation, which look alike everywhere, and what signs every webhook."""
    # Once more, because the generator lists the components before it comes to the webhooks and theirs.
    result["components"] = generator.registry.build({"schemas": {"Refusal": _ERROR}})
    for event in result.get("webhooks", {}).values():
        event["post"]["parameters"] = _SIGNED
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            told = dict(_REFUSALS)
            if method in ("post", "put", "patch", "delete"):
                told |= _OF_BODY | {"409": "It does not fit the state things are in."}
            if "{" in path:
                told["404"] = "There is nothing with this id."
            for status, text in told.items():
                operation["responses"].setdefault(status, _refusal(text))
    return result


def _refusal(text: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    return {"description": text, "content": content}
