"""Who is who: names, domains and places compared, known companies found, and the doubt said in words."""

from sources.identity.candidates import Candidate, Entry, NameIndex
from sources.identity.evidence import fold_place, worth
from sources.identity.judgement import (
    AUTOMATIC,
    BY_KEY,
    REVIEW,
    Judgement,
    Similarity,
    Verdict,
    compare,
    judge,
)
from sources.identity.names import is_junk_name, name_key
from sources.identity.people import person_words
from sources.identity.similarity import are_spellings, spellings_of

__all__ = [
    "AUTOMATIC",
    "BY_KEY",
    "REVIEW",
    "Candidate",
    "Entry",
    "Judgement",
    "NameIndex",
    "Similarity",
    "Verdict",
    "are_spellings",
    "compare",
    "fold_place",
    "is_junk_name",
    "judge",
    "name_key",
    "person_words",
    "spellings_of",
    "worth",
]
