from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sources import registry
from sources.cadence import Cadence

AT = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("daily", datetime(2026, 11, 19, tzinfo=UTC)),
        ("Weekly on Monday", datetime(2026, 11, 23, tzinfo=UTC)),
        ("weekly wednesday", datetime(2026, 11, 25, tzinfo=UTC)),
        ("monthly", datetime(2026, 12, 18, tzinfo=UTC)),
        ("quarterly", datetime(2027, 2, 18, tzinfo=UTC)),
        ("yearly", datetime(2027, 11, 18, tzinfo=UTC)),
        ("every 1 day", datetime(2026, 11, 19, tzinfo=UTC)),
        ("Every 10  days", datetime(2026, 11, 28, tzinfo=UTC)),
        ("cron 0 3 * * 1", datetime(2026, 11, 23, 3, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_next_due(text: str, due: datetime | None) -> None:
    assert Cadence.parse(text).next_due(AT) == due


def test_a_month_after_the_31st_is_the_last_day() -> None:
    assert Cadence.parse("monthly").next_due(datetime(2027, 1, 31, tzinfo=UTC)) == datetime(
        2027, 2, 28, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("daily", datetime(2026, 11, 19, tzinfo=UTC)),
        ("weekly monday", datetime(2026, 11, 23, tzinfo=UTC)),
        ("cron 0 16 * * *", datetime(2026, 11, 18, 16, tzinfo=UTC)),
        ("monthly", datetime(2026, 11, 19, tzinfo=UTC)),
        ("quarterly", datetime(2026, 11, 19, tzinfo=UTC)),
        ("every 10 days", datetime(2026, 11, 19, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_something_may_come_due_at_the_next_moment(text: str, moment: datetime | None) -> None:
    assert Cadence.parse(text).next_moment(AT) == moment


def test_days_begin_in_the_zone_of_the_answer_also_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 24, 12, tzinfo=berlin)  # clocks go back that night
    assert Cadence.parse("every 2 days").next_due(before) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert Cadence.parse("weekly monday").next_due(before) == datetime(2026, 10, 25, 23, tzinfo=UTC)
    assert Cadence.parse("cron 0 3 * * *").next_due(before) == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_the_adapters_declare_cadences_that_can_be_typed() -> None:
    for adapter in registry.adapters().values():
        assert Cadence.parse(adapter.cadence.text) == adapter.cadence


@pytest.mark.parametrize(
    "text",
    [
        "", "weekly someday", "every 0 days", "cron x", "hourly", "cron 0 0 30 2 *", "cron * * * * * *", "cron r r * * *",
    ],
)  # fmt: skip
def test_an_unknown_cadence_names_the_accepted_ones(text: str) -> None:
    with pytest.raises(ValueError, match="every 10 days"):
        Cadence.parse(text)
