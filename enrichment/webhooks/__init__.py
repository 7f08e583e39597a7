"""Webhooks out: an outbox written with what it tells of, and a sender that never gives up early."""

from enrichment.webhooks.by_hand import telling
from enrichment.webhooks.outbox import (
    Wishes,
    replay,
    run_ended,
    run_undone,
    signals_made,
    test_message,
    value_wishes,
    values_changed,
)
from enrichment.webhooks.secrets import new_secret, rotate
from enrichment.webhooks.sending import is_due, send, tidy
from enrichment.webhooks.targets import TargetRefused, check_target

__all__ = [
    "TargetRefused",
    "Wishes",
    "check_target",
    "is_due",
    "new_secret",
    "replay",
    "rotate",
    "run_ended",
    "run_undone",
    "send",
    "signals_made",
    "telling",
    "test_message",
    "tidy",
    "value_wishes",
    "values_changed",
]
