"""How the REST API is put together, and what its OpenAPI description says."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "EXCEPTION_HANDLER": "enrichment.api.errors.handle",
    "DEFAULT_SCHEMA_CLASS": "enrichment.api.schema.Description",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Footnote",
    "DESCRIPTION": "The REST API in the Linkt V1 dialect, with what Footnote has beside it.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["enrichment.api.schema.add_refusals"],
    "SCHEMA_PATH_PREFIX": "/v1/",
    "WEBHOOKS": [
        f"enrichment.api.told.{name}"
        for name in ("RUN_FINISHED", "RUN_FAILED", "RUN_UNDONE", "SIGNAL", "VALUE")
    ],
}
