"""How values are obtained, kept and believed."""

from enrichment.models.api_key import ApiKey, Scope
from enrichment.models.api_task import ApiSchedule, ApiTask, GivenAnswer, RunOrigin, UploadedFile
from enrichment.models.attribute import CustomAttribute
from enrichment.models.budget import Budget
from enrichment.models.check import Check, Freshness
from enrichment.models.firing import ScheduleFiring
from enrichment.models.lookup import Lookup
from enrichment.models.preferences import Preferences
from enrichment.models.run import EnrichmentRun, RunItem
from enrichment.models.signal import RunScan, Signal, SignalRule
from enrichment.models.source import EnrichmentSource
from enrichment.models.throttle import CallerPace, Throttle
from enrichment.models.value import AttributeValue
from enrichment.models.webhook import WebhookDelivery, WebhookEndpoint
from enrichment.models.worker import Heartbeat

__all__ = [
    "ApiKey",
    "ApiSchedule",
    "ApiTask",
    "AttributeValue",
    "Budget",
    "CallerPace",
    "Check",
    "CustomAttribute",
    "EnrichmentRun",
    "EnrichmentSource",
    "Freshness",
    "GivenAnswer",
    "Heartbeat",
    "Lookup",
    "Preferences",
    "RunItem",
    "RunOrigin",
    "RunScan",
    "ScheduleFiring",
    "Scope",
    "Signal",
    "SignalRule",
    "Throttle",
    "UploadedFile",
    "WebhookDelivery",
    "WebhookEndpoint",
]
