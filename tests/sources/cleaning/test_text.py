from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.cleaning import is_blank, plain
from sources.cleaning.text import cut, quote


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("Acme Inc", "Acme Inc"),
        ("  Acme \t\r\n Inc ", "Acme Inc"),
        ("Acme\u00a0\u2009Inc\u3000", "Acme Inc"),
        ("Ac\u200bme\ufeff\u2060", "Acme"),
        ("\u202eAcme\u2066 Inc\u2069", "Acme Inc"),
        ("Acme\x00\x1b[31m", "Acme[31m"),
        ("Acme\ud800", "Acme"),
        ("Cafe\u0301", "Café"),
        ("O'Brien & Søns", "O'Brien & Søns"),
        ("<b>Acme</b>", "<b>Acme</b>"),
        ("日本語 株式会社", "日本語 株式会社"),
    ],
)
def test_text_is_stored_without_what_cannot_be_seen(raw: str, stored: str) -> None:
    assert plain(raw) == stored


@given(st.text(st.characters()))
def test_plain_text_is_safe_and_stays_as_it_is(raw: str) -> None:
    stored = plain(raw)
    assert plain(stored) == stored
    stored.encode()
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in stored)
    assert unicodedata.is_normalized("NFC", stored)
    assert "  " not in stored and stored == stored.strip()


def test_many_combining_marks_cost_no_more_than_many_letters() -> None:
    started = time.process_time()
    stored = plain("a" + "\u0327\u0301" * 50_000)
    assert time.process_time() - started < 2
    assert len(stored) <= 31


@pytest.mark.parametrize(
    "raw", [None, "", " ", "\u200b", "n/a", "N/A", "-", "—", "null", "NULL", "#N/A", "#REF!", [], {}]
)
def test_blank_says_nothing(raw: object) -> None:
    assert is_blank(raw)


@pytest.mark.parametrize("raw", [0, False, 0.0, "0", "no", "Nil Admirari", "Unknown Worlds", "NaN", [""]])
def test_zero_no_and_longer_names_say_something(raw: object) -> None:
    assert not is_blank(raw)


def test_cut_ends_at_a_word_with_an_ellipsis() -> None:
    assert cut("one two three", 9) == "one two…"
    assert cut("one two", 9) == "one two"
    assert len(cut("x" * 30, 9)) == 9


def test_quote_is_short_and_plain() -> None:
    assert quote("a\x00\nb") == "'a b'"
    assert len(quote("x" * 5000)) <= 60
