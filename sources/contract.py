"""What an adapter is, on one screen: what it is asked, what it answers, what it declares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from sources.attributes import BY_SLUG, IDENTITY, Attribute, Kind, slug_of
from sources.cadence import Cadence
from sources.errors import SourceError

Wanted = Mapping[str, Attribute]
"""The attributes asked for, by slug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A record or spreadsheet row reduced to what a source may be asked with.

    Keys are already normalised: `domain` is a registrable domain, `linkedin_url` a canonical
    profile URL. An empty string means unknown. `aliases` are other names of the same subject,
    `row` the cells of the spreadsheet row it comes from, by their original headers.
    """

    kind: Kind = Kind.ACCOUNT
    name: str = ""
    domain: str = ""
    linkedin_url: str = ""
    email: str = ""
    city: str = ""
    country: str = ""
    aliases: tuple[str, ...] = ()
    known: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, str] = field(default_factory=dict)

    def told(self, name: str) -> Any:
        """What is known under an attribute's slug; of what is no attribute the cell of that header; else "".

        A cell that is an attribute was read already: where nothing is known of it, it was no proper value.
        """
        value = self.known.get(name) or (getattr(self, name) if name in IDENTITY else "")
        if value or name in BY_SLUG:
            return value
        return next((cell for header, cell in self.row.items() if cell and slug_of(header) == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a source answered, as received: any answer that has a status is one.

    `url` names what was asked (without secrets), e.g. `https://acme.com/` or `dns:acme.com`.
    """

    status: int
    body: bytes
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The answer comes later: by callback (`poll_in` None) or when asked for in `poll_in` seconds.

    Of a source with batches all questions of one token are polled in one call, by one worker: an answer to many may be
    given once only.
    """

    token: str
    poll_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of a source: the attribute, the value as the source gave it, its references.

    A reference is a URL, `csv_import`, or `scheme:id`; a claim without one is refused.
    """

    attribute: str
    value: Any
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whom a payload is about, and what it claims about them.

    `confidence` is the source's own probability, 0 to 1, that this is the asked subject; None: not said.
    `names_nobody`: the source never says whom it speaks about, so it is the asked one, of the subject's kind.
    """

    subject: Subject
    claims: tuple[Claim, ...]
    confidence: float | None = None
    names_nobody: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One subject of a call, with the ledger's lookup id and the URL for a late answer.

    `token`: the question was put before and answered by `Pending`; now its answer is asked for.
    """

    subject: Subject
    lookup: str = ""
    callback_url: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked in one go: one question, or up to the source's batch size.

    `key` is the source's own, `keys` those of its `other_secrets` that are set, by variable.
    """

    questions: Sequence[Question]
    wanted: Wanted
    settings: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """The only subject of a call that is not a batch."""
        (question,) = self.questions
        return question.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Credits: the most one question can cost, and whether a question without an answer is charged."""

    credits: int = 0
    charges_miss: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a source may be asked: calls a minute and at once, seconds until a call is given up, bytes of one
    answer, questions in one call, and seconds that an answer announced by `Pending` may take.
    """

    per_minute: int | None = None
    in_flight: int = 8
    deadline: float = 20.0
    max_bytes: int = 2_000_000
    batch: int = 1
    late: float = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """The environment variable that holds a source's key, and where to get one."""

    env: str
    help_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """A question that costs nothing and tells whether a key is accepted: a path below the base URL and headers.

    `{key}` stands for the key, `{basic}` for it as the user of HTTP Basic. `statuses` mean that it is accepted; `left`
    is a JMESPath to what is left of `unit`, or, less `used`, to what there was.
    """

    path: str
    headers: Mapping[str, str]
    body: Any = None
    statuses: frozenset[int] = frozenset({200})
    left: str = ""
    used: str = ""
    unit: str = "credits"


class Http(Protocol):
    """The network as an adapter sees it: base URL, key, deadline and size are already set."""

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Payload:
        """GET `url` (absolute, or relative to the source's base URL). Any status is a Payload.

        Raises SourceUnavailable when no answer came, AddressRefused when the address is not a public one.
        """

    def post(self, url: str, *, json: Any, headers: Mapping[str, str] | None = None) -> Payload:
        """POST `json` to `url`; as `get`."""

    def records(self, name: str, kind: str) -> tuple[str, ...]:
        """The DNS records of `kind` (MX, TXT …) at `name` as text; () when there are none."""


class Source(ABC):
    """One place where facts come from. A subclass is one small file in `sources/adapters`.

    slug      equals the file name; the word users type
    label     the name people read
    version   raised when `parse` learns something, so that kept payloads are replayed
    kinds     which records it can be asked about
    needs     alternatives of inputs, e.g. (("domain",), ("name", "city"))
    provides  attribute slugs it may claim; a source configured by users takes them from its settings
    cadence   how often its answers are refreshed unless the user says otherwise
    cost      worst-case credits of one question
    limits    rate, parallel calls, deadline, size, batch
    secret    its key, when it needs one
    other_secrets  keys of others that it uses where they are set, and does without where not
    base_url  where it lives, when it has one address
    template  True for an adapter that is only used through rows users configure
    key_check a question that costs nothing and tells whether its key works, where the vendor has one
    columns   what its answers are called in a spreadsheet, where they are not called by their slugs
    """

    slug: ClassVar[str]
    label: ClassVar[str]
    version: ClassVar[int] = 1
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ACCOUNT})
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("domain",),)
    provides: ClassVar[tuple[str, ...]] = ()
    cadence: ClassVar[Cadence] = Cadence.parse("monthly")
    cost: ClassVar[Cost] = Cost()
    limits: ClassVar[Limits] = Limits()
    secret: ClassVar[Secret | None] = None
    other_secrets: ClassVar[tuple[Secret, ...]] = ()
    base_url: ClassVar[str] = ""
    key_check: ClassVar[KeyCheck | None] = None
    template: ClassVar[bool] = False
    columns: ClassVar[tuple[str, ...]] = ()

    def configured(self, settings: Mapping[str, Any]) -> Source:
        """The adapter as a user's settings make it: itself, unless its declarations come from them."""
        return self

    def question(self, subject: Subject) -> dict[str, Any]:
        """The inputs by which its question about a subject is told from others: same inputs are asked once."""
        names = sorted({name for alternative in self.needs for name in alternative})
        return {name: value for name in names if (value := subject.told(name))}

    @abstractmethod
    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending | SourceError]:
        """Ask; one answer for each question of the call, in order.

        Raises SourceError when no answer with a status came. Where one came to some of the questions only, it stands
        in the place of the others' answers.
        """

    @abstractmethod
    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """Read a payload; () means the source knows no such subject. Pure: no network, clock, database.

        Raises SourceError: the payload is an error of the source, or of unknown shape.
        """
