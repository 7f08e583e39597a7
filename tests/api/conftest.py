"""Keys and clients of the REST API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from enrichment.models import ApiKey
from enrichment.registration import sync_sources
from tests.api.world import make_one_of_each


class Api:
    """A client with a key; answers come as (status, body)."""

    def __init__(self, key: str) -> None:
        self.client, self.key = Client(raise_request_exception=True), key

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        told = {"x-api-key": self.key} | {name.replace("_", "-"): text for name, text in headers.items()}
        content: dict[str, Any] = {}
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            content = {"data": data, "content_type": "application/json"}
        response = self.client.generic(method, path, headers=told, **content)
        self.response = response
        if response.get("Content-Type", "").startswith("application/json"):
            return response.status_code, response.json()
        return response.status_code, b"".join(response) if response.streaming else response.content

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return self.call("POST", path, body, **headers)

    def made(self, path: str, body: Any) -> Any:
        """The answer to a POST that must succeed."""
        status, answer = self.post(path, body)
        assert status in (200, 201), answer
        return answer


@pytest.fixture
def new_key(db: None) -> Callable[..., str]:
    """Makes keys: `new_key("read", per_minute=5)`."""

    def make(*scopes: str, **fields: Any) -> str:
        scopes = scopes or ("read", "write", "enrich")
        _, text = ApiKey.objects.create_key(name="Test", scopes=list(scopes), **fields)
        return str(text)

    return make


@pytest.fixture
def api(new_key: Callable[..., str]) -> Api:
    """A client that may read, write and enrich."""
    sync_sources()
    return Api(new_key())


@pytest.fixture
def known(api: Api) -> dict[str, str]:
    """The ids of a small world, by the name of the parameter in a path."""
    return make_one_of_each(api)
