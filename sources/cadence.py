"""How often a source is refreshed, as one line of text and as dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import CroniterBadDateError, croniter

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_EVERY = re.compile(r"every (\d{1,4}) days?")
_RANDOM = re.compile(r"\b[hr]\b")

HELP = "never, daily, weekly monday, monthly, quarterly, yearly, every 10 days, or cron 0 3 * * 1"


@dataclass(frozen=True, slots=True)
class Cadence:
    """A refresh rhythm; `text` is its normal form, one of those in HELP."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Cadence:
        """Read a cadence; raises ValueError with the accepted forms when `text` is none of them."""
        words = " ".join(text.lower().replace(" on ", " ").split())
        if words in ("never", "daily", "weekly") or words in _MONTHS:
            return cls("weekly monday" if words == "weekly" else words)
        if words.startswith("weekly ") and words.removeprefix("weekly ") in _WEEKDAYS:
            return cls(words)
        every = _EVERY.fullmatch(words)
        if every and int(every[1]) > 0:
            return cls(words)
        if words.startswith("cron ") and _comes_round(words.removeprefix("cron ")):
            return cls(words)
        raise ValueError(f"'{text[:60]}' is not a cadence: write {HELP}")

    def next_due(self, at: datetime) -> datetime | None:
        """When an answer of `at` (aware, in the source's own time zone) is due again; None: never.

        Always a midnight of that zone, or a moment the cron names: what is due comes due together.
        """
        if self.text == "never":
            return None
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.text == "daily":
            return midnight + timedelta(days=1)
        if self.text.startswith("weekly "):
            weekday = _WEEKDAYS.index(self.text.removeprefix("weekly "))
            return midnight + timedelta(days=(weekday - at.weekday() - 1) % 7 + 1)
        if self.text in _MONTHS:
            return _add_months(midnight, _MONTHS[self.text])
        every = _EVERY.fullmatch(self.text)
        if every:
            return midnight + timedelta(days=int(every[1]))
        due: datetime = croniter(self.text.removeprefix("cron "), at).get_next(datetime)
        return due

    def next_moment(self, at: datetime) -> datetime | None:
        """The first moment after `at` when an answer, however old, may come due; None: never.

        Months and days are counted from each answer, so with those cadences it is the next midnight.
        """
        is_counted = self.text in _MONTHS or _EVERY.fullmatch(self.text)
        return (_DAILY if is_counted else self).next_due(at)


_DAILY = Cadence("daily")


def _comes_round(cron: str) -> bool:
    """Whether a cron of five fields ever comes; 30 February does not.

    croniter would take a sixth field (seconds) and letters for random moments, new ones at each question.
    """
    if len(cron.split()) != 5 or _RANDOM.search(cron) or not croniter.is_valid(cron):
        return False
    try:
        croniter(cron, datetime(2026, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterBadDateError:
        return False
    return True


def _add_months(at: datetime, months: int) -> datetime:
    """The same day `months` later, or that month's last day (31 January + 1 = 28 February)."""
    month = at.month - 1 + months
    year, month = at.year + month // 12, month % 12 + 1
    last = (datetime(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return at.replace(year=year, month=month, day=min(at.day, last))
