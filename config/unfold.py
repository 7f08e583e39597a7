"""How the admin looks and what its sidebar offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _may(*permissions: str) -> Callable[[HttpRequest], bool]:
    """Whether a user has one of the permissions."""
    return lambda request: any(request.user.has_perm(permission) for permission in permissions)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _item(title: str, icon: str, model: str, permission: Any = None) -> dict[str, Any]:
    """A link to a model's list; `model` is app_model."""
    app, _, name = model.rpartition("_")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model}_changelist"),
        "permission": permission or _may(f"{app}.view_{name}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Footnote",
    "SITE_HEADER": "Footnote",
    "SITE_SUBHEADER": "Every value has a footnote",
    "SITE_SYMBOL": "format_quote",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("enrichment/icon.svg")}
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "enrichment.admin.dashboard.fill",
    "STYLES": [lambda request: static("enrichment/footnote.css")],
    "SCRIPTS": [lambda request: static("enrichment/footnote.js")],
    "COLORS": {
        "primary": {
            "50": "oklch(97.4% .014 210)",
            "100": "oklch(94.6% .030 212)",
            "200": "oklch(89.2% .056 214)",
            "300": "oklch(82.0% .090 217)",
            "400": "oklch(70.5% .112 221)",
            "500": "oklch(59.5% .110 226)",
            "600": "oklch(50.5% .098 230)",
            "700": "oklch(43.8% .085 232)",
            "800": "oklch(37.8% .070 234)",
            "900": "oklch(32.8% .058 236)",
            "950": "oklch(25.0% .046 238)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {"items": [{"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")}]},
            {
                "title": "Records",
                "separator": True,
                "items": [
                    _item("Accounts", "domain", "crm_account"),
                    _item("Contacts", "person", "crm_contact"),
                    _item("Sheets", "table_rows", "crm_sheet"),
                    _item("Signals", "notifications_active", "enrichment_signal"),
                ],
            },
            {
                "title": "Enrichment",
                "separator": True,
                "items": [
                    _item("Runs", "bolt", "enrichment_enrichmentrun"),
                    _item("Sources", "hub", "enrichment_enrichmentsource"),
                    _item("Attributes", "label", "enrichment_customattribute"),
                    _item("Profiles", "target", "crm_idealcustomerprofile"),
                    _item("Rules for signals", "sensors", "enrichment_signalrule"),
                    _item("Webhooks", "webhook", "enrichment_webhookendpoint"),
                    _item("Preferences", "tune", "enrichment_preferences"),
                ],
            },
            {
                "title": "Evidence",
                "separator": True,
                "items": [
                    _item("Claims", "format_quote", "enrichment_attributevalue"),
                    _item("Lookups", "search", "enrichment_lookup"),
                    _item("Checks", "fact_check", "enrichment_check"),
                    _item("Webhook log", "outgoing_mail", "enrichment_webhookdelivery"),
                ],
            },
            {
                "title": "REST API",
                "separator": True,
                "collapsible": True,
                "items": [
                    _item("API keys", "key", "enrichment_apikey"),
                    _item("Tasks", "assignment", "enrichment_apitask"),
                    _item("Schedules of tasks", "event_repeat", "enrichment_apischedule"),
                    _item("Uploaded files", "upload_file", "enrichment_uploadedfile"),
                ],
            },
            {
                "title": "System",
                "separator": True,
                "collapsible": True,
                "items": [
                    _item("Users", "group", "auth_user"),
                    _item("Groups", "shield", "auth_group"),
                    _item("Signs of life", "monitor_heart", "enrichment_heartbeat", _is_superuser),
                    _item("Wake-ups", "schedule", "django_q_schedule", _is_superuser),
                    _item("Queued tasks", "queue", "django_q_ormq", _is_superuser),
                    _item("Done tasks", "task_alt", "django_q_success", _is_superuser),
                    _item("Failed tasks", "error", "django_q_failure", _is_superuser),
                ],
            },
        ],
    },
}
