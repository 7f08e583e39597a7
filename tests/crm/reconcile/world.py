"""What OpenRefine sends, and the records that it is asked about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from django.test import Client

from crm.models import Account, Contact
from enrichment.models import ApiKey
from tests.api.world import tell
from tests.factories import make_account, make_contact

SCHEMAS = Path(__file__).parent.parent / "schemas"


def new_key(*scopes: str) -> str:
    _, text = ApiKey.objects.create_key(name="Refine", scopes=list(scopes or ("read",)))
    return str(text)


def check(name: str, told: Any) -> Any:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(told)
    return told


class Refine:
    """What OpenRefine sends: forms and queries, and no headers of its own."""

    def __init__(self) -> None:
        self.client, self.base = Client(), f"/reconcile/{new_key()}"

    def manifest(self) -> dict[str, Any]:
        return dict(check("manifest", self.client.get(self.base).json()))

    def queries(self, **batch: Any) -> dict[str, list[dict[str, Any]]]:
        text = json.dumps(check("queries", batch))
        posted = self.client.post(self.base, {"queries": text})
        assert posted.status_code == 200, posted.content
        told = check("results", posted.json())
        assert self.client.get(self.base, {"queries": text}).json() == told
        assert told.keys() == batch.keys()
        return {key: each["result"] for key, each in told.items()}

    def find(self, query: str, **more: Any) -> list[dict[str, Any]]:
        return self.queries(q=({"query": query} if query else {}) | more)["q"]

    def extend(self, ids: list[str], *properties: dict[str, Any]) -> dict[str, Any]:
        query = check("extension_query", {"ids": ids, "properties": list(properties)})
        answered = self.client.post(self.base, {"extend": json.dumps(query)})
        assert answered.status_code == 200, answered.content
        assert self.client.get(self.base, {"extend": json.dumps(query)}).json() == answered.json()
        return dict(check("extension", answered.json()))

    def get(self, path: str, **query: Any) -> Any:
        answered = self.client.get(f"{self.base}{path}", query)
        assert answered.status_code == 200, answered.content
        return answered.json()


def company(**values: Any) -> Account:
    account = make_account()
    tell(account, **values)
    return account


def person(account: Account | None = None, **values: Any) -> Contact:
    contact = make_contact(account=account)
    tell(contact, **values)
    return contact


def entity(record: Account | Contact) -> str:
    return f"{record.kind.value}-{record.pk}"
