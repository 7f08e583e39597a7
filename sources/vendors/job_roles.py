"""Open roles: which of them are engineering roles, and what a list of them claims about a company."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sources.contract import Claim

_MOST_REFERENCES = 20

# A title decides first: a sales engineer of the engineering department sells all the same.
_OTHER_TITLES = re.compile(
    r"\b(?:(?:pre-?)?sales|solutions?|support|customer|success|field|partner(?:ships?)?|account|implementation"
    r"|business|corporate|franchise|land|property|talent|sourcing|training|community|growth|channel|market)\s+"
    r"(?:development\s+)?(?:engineer|engineering|developer|architect|development)"
    r"|\b(?:recruiter|recruiting|sourcer|account executive|counsel|paralegal|copywriter|accountant)\b"
    r"|\b(?:sales|marketing) development\b|\bdeveloper (?:relations|advocate|marketing|evangelist)\b",
    re.IGNORECASE,
)
_ENGINEERING_TITLES = re.compile(
    r"\b(?:engineer|engineers|engineering|developer|developers|programmer|programmers|devops|sre|sdet"
    r"|swe|full[- ]?stack|front[- ]?end|back[- ]?end|machine learning|ml ops|mlops|cto|entwickler(?:in)?|développeur|développeuse|ingénieur|desarrollador)\b",
    re.IGNORECASE,
)
_ENGINEERING_DEPARTMENTS = re.compile(
    r"\b(?:engineering|software|developers?|development|r ?& ?d|research and development|technology|devops"
    r"|infrastructure|machine learning|platform)\b",
    re.IGNORECASE,
)
_OTHER_DEPARTMENTS = re.compile(
    r"\b(?:sales|business|corporate|people|talent|solutions?|customer|support|marketing|learning and|legal"
    r"|finance|recruiting|partner(?:ships?)?)\b",
    re.IGNORECASE,
)
_NO_ENGINEERS = re.compile(
    r"\b(?:assistant|coordinator|recruiter|designer|product manager|program manager|project manager|writer"
    r"|office manager|chief of staff|attorney)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Role:
    """An open role: its title, where it can be read, and the department and team it is filed under."""

    title: str
    url: str
    departments: tuple[str, ...] = ()

    @property
    def is_engineering(self) -> bool:
        """Whether it builds or runs what the company makes: by its title, else by its department."""
        if _OTHER_TITLES.search(self.title):
            return False
        if _ENGINEERING_TITLES.search(self.title):
            return True
        return not _NO_ENGINEERS.search(self.title) and any(
            _ENGINEERING_DEPARTMENTS.search(name) and not _OTHER_DEPARTMENTS.search(name)
            for name in self.departments
        )


def role_claims(roles: Sequence[Role], page: str = "", *, is_whole: bool = True) -> tuple[Claim, ...]:
    """Claims about the open roles of a company, of which `page` tells; how many of engineering only of a whole list."""
    if not roles:
        return ()
    engineering = [role for role in roles if role.is_engineering]
    titles = list(dict.fromkeys(role.title for role in roles))
    found = Claim(attribute="open_job_titles", value=titles, references=_references(roles, page))
    if not is_whole:
        return (found,)
    shown = _references(engineering, page) or _references(roles, page)[:1]
    return (Claim(attribute="recent_job_postings", value=len(engineering), references=shown), found)


def _references(roles: Sequence[Role], page: str) -> tuple[str, ...]:
    """The page and some of the roles."""
    links = [page, *(role.url for role in roles)]
    return tuple(dict.fromkeys(filter(None, links)))[:_MOST_REFERENCES]
