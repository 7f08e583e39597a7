"""What a message says: run events as the V1 dialect writes them, signals and values beside them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from crm.models import IdealCustomerProfile
from enrichment.ids import id_of
from enrichment.models import EnrichmentRun, RunOrigin, Signal
from enrichment.queries import made_by
from enrichment.queries.signals import ShownSignal, SignalValue
from sources.attributes import Attribute
from sources.display import display


def envelope(event_type: str, at: datetime, data: dict[str, Any]) -> str:
    """The whole body, as it is signed and sent."""
    body = {"event_type": event_type, "timestamp": moment(at), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def moment(at: datetime | None) -> str | None:
    """A point in time as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def run_ended(run: EnrichmentRun) -> str:
    """The body about a run that ended."""
    flow, data = _run_data(run)
    return envelope(f"run.{flow}.{run.status.lower()}", run.finished_at or run.created_at, data)


def run_undone(run: EnrichmentRun) -> str:
    """The body about a run that was undone: how it had ended, and since when it counts no more."""
    flow, data = _run_data(run)
    at = run.undone_at or run.created_at
    return envelope(f"run.{flow}.undone", at, data | {"undone_at": moment(at)})


def _run_data(run: EnrichmentRun) -> tuple[str, dict[str, Any]]:
    """What a run did, and what V1 tells of it (six queries)."""
    origin = RunOrigin.objects.filter(run=run).select_related("task", "profile", "key__owner").first()
    profile = (origin and origin.profile) or _profile_of_sheet(run)
    user = run.created_by or (origin and origin.key and origin.key.owner)
    seconds = (
        (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    )
    data = {
        "run_id": id_of(run.pk), "run_name": run.name, "status": run.status,
        "icp_id": id_of(profile.pk) if profile else None, "icp_name": profile.name if profile else None,
        "user_email": user.email if user else None, "user_first_name": user.first_name if user else None,
        "started_at": moment(run.started_at), "ended_at": moment(run.finished_at),
        "duration_seconds": seconds, "duration_formatted": None if seconds is None else spoken(seconds),
        "credits_used": sum(run.summary.get("credits", {}).values()), "error_message": run.error or None,
        "resources": {name: [id_of(pk) for pk in ids] for name, ids in made_by(run).items()}, **_signals(run),
    }  # fmt: skip
    return _flow(run, origin), data


def _flow(run: EnrichmentRun, origin: RunOrigin | None) -> str:
    """What the run did: the flow of its task, else ingest for a file, enrich for records."""
    if origin and origin.task:
        return origin.task.flow
    return "ingest" if run.file_name else "enrich"


def _profile_of_sheet(run: EnrichmentRun) -> IdealCustomerProfile | None:
    return run.sheet.profile if run.sheet_id and run.sheet else None


def _signals(run: EnrichmentRun) -> dict[str, Any]:
    counts = Counter(
        Signal.objects.filter(run=run, run__undone_at=None).order_by().values_list("type", flat=True)
    )
    return {"total_signals": counts.total(), "signal_breakdown": dict(sorted(counts.items()))}


def spoken(seconds: float) -> str:
    """A duration as people say it: 45s, 2m 5s, 1h 0m."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def signal_data(signal: ShownSignal) -> dict[str, Any]:
    """A signal as `/v1/signal` shows it, with what names its record elsewhere."""
    record = signal.record
    return {
        "id": id_of(signal.id), "icp_id": id_of(signal.profile) or "", "entity_ids": [id_of(pk) for pk in signal.entries],
        "summary": signal.summary, "references": list(signal.references), "created_at": moment(signal.created_at),
        "signal_type": signal.type, "signal_display_name": signal.type_label, "strength": signal.strength, "score": None,
        "metadata": {
            "rule": signal.rule, "attribute": signal.attribute.slug, "run_id": id_of(signal.run),
            "record_type": signal.kind.value, "record_id": id_of(record.pk), "name": str(record),
            "external_id": record.external_id or None, "external_source": record.external_source or None,
            "old": _signal_value(signal.old) if signal.old else None, "new": _signal_value(signal.new),
        },
    }  # fmt: skip


def _signal_value(value: SignalValue) -> dict[str, Any]:
    return {
        "value": value.value, "display": value.display, "references": list(value.references), "source": value.source,
        "at": moment(value.at),
    }  # fmt: skip


def value_data(
    record: Any, attribute: Attribute, run: int | None, old: Any, new: Any, *, source: str, at: datetime
) -> dict[str, Any]:
    """A value that changed: the one believed before and the one believed now; None where nothing is known."""
    return {
        "record_type": record.kind.value, "record_id": id_of(record.pk), "name": str(record),
        "external_id": record.external_id or None, "external_source": record.external_source or None,
        "attribute": attribute.slug, "old": old, "old_display": None if old is None else display(attribute.slug, old, attribute),
        "new": new, "new_display": None if new is None else display(attribute.slug, new, attribute), "source": source, "at": moment(at),
        "run_id": id_of(run),
    }  # fmt: skip
