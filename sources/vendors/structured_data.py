"""JSON-LD of web pages (schema.org) → the one organisation a page is about.

Pages carry broken, huge and lying JSON: nothing here raises, follows an address, or takes more than a bounded
number of steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sources.cleaning import Refused, domain, plain
from sources.cleaning.text import words

MAX_SCRIPT = 500_000
MAX_NODES = 5_000
MAX_VALUE = 2_000

Node = Mapping[str, Any]

# schema.org: Organization and those of its subclasses that companies use for themselves.
ORGANISATIONS = words(
    """
    Organization Corporation LocalBusiness OnlineBusiness OnlineStore NGO EducationalOrganization
    CollegeOrUniversity School GovernmentOrganization MedicalOrganization NewsMediaOrganization Airline Consortium
    Cooperative LibrarySystem PerformingGroup Project ResearchOrganization SportsOrganization WorkersUnion
    FundingScheme SearchRescueOrganization AutomotiveBusiness AutoDealer AutoRental AutoRepair ChildCare Dentist
    DryCleaningOrLaundry EmergencyService EmploymentAgency EntertainmentBusiness FinancialService AccountingService
    AutomatedTeller BankOrCreditUnion InsuranceAgency FoodEstablishment Bakery BarOrPub Brewery CafeOrCoffeeShop
    Distillery FastFoodRestaurant Restaurant Winery GovernmentOffice HealthAndBeautyBusiness
    HomeAndConstructionBusiness Electrician GeneralContractor HVACBusiness HousePainter Locksmith MovingCompany
    Plumber RoofingContractor InternetCafe LegalService Attorney Notary Library LodgingBusiness Hotel Hostel Resort
    MedicalBusiness MedicalClinic Optician Pharmacy Physician Hospital VeterinaryCare ProfessionalService RadioStation
    RealEstateAgent RecyclingCenter SelfStorage ShoppingCenter SportsActivityLocation Store BookStore ClothingStore
    ComputerStore DepartmentStore ElectronicsStore FurnitureStore GroceryStore HardwareStore HomeGoodsStore
    JewelryStore PetStore ShoeStore SportingGoodsStore ToyStore WholesaleStore TelevisionStation
    TouristInformationCenter TravelAgency
    """
)
_INTO = ("@graph", "mainEntity", "publisher", "about")
"""Where a page's own organisation stands; other properties (parent, member, author) name other ones."""

_INTO_LISTS = (*_INTO, "itemListElement", "item", "hasPart")
"""Where a page lists what it shows, open roles among it."""

_WRAPPING = re.compile(r"<!--|-->|//\s*<!\[CDATA\[|//\s*\]\]>|<!\[CDATA\[|\]\]>|/\*\s*<?!?\[?CDATA\[?\s*\*/")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")


def read_scripts(scripts: Iterable[str]) -> list[Any]:
    """The JSON documents in the texts of JSON-LD scripts; what cannot be read is left out."""
    return [document for script in scripts for document in _documents(script[:MAX_SCRIPT])]


def organisation(documents: Iterable[Any], page_domain: str) -> Node | None:
    """The organisation a page on `page_domain` is about, or None when that is not clear.

    Among several only one that names the page's own domain is taken; one alone must not name another
    company's domain. Nodes of equal name are parts of one description.
    """
    found = _merged(_organisations(documents))
    own = [node for node in found if _domains(node) & {page_domain}]
    if len(own) == 1:
        return own[0]
    if len(found) != 1:
        return None
    label = page_domain.partition(".")[0]
    others = _domains(found[0])
    return found[0] if not others or any(other.partition(".")[0] == label for other in others) else None


def postings(documents: Iterable[Any]) -> list[Node]:
    """The open roles that a page tells of."""
    return [item for item in _nodes(documents, _INTO_LISTS) if "JobPosting" in _types(item)]


def text(value: Any) -> str:
    """A property as one plain text: a string, `{"@value": …}`, or the first of a list; "" for anything else."""
    for _ in range(5):
        if isinstance(value, list) and value:
            value = value[0]
        elif isinstance(value, Mapping):
            value = value.get("@value", value.get("name"))
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return plain(value[:MAX_VALUE]) if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """A property as the plain texts it holds, at most 100."""
    items = value if isinstance(value, list) else [value]
    return [found for item in items[:100] if (found := text(item))]


def node(value: Any) -> Node:
    """A property that is one description; an empty one when it is missing, a text or a choice of several."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, Mapping) else {}


def _documents(script: str) -> Iterator[Any]:
    """Each JSON document of a script; several may follow each other."""
    script = _WRAPPING.sub(" ", script).strip().rstrip(";")
    decoder = json.JSONDecoder(strict=False, parse_int=_small_int, parse_constant=_no_constant)
    position = repairs = 0
    while position < len(script):
        try:
            document, position = decoder.raw_decode(script, position)
        except (ValueError, RecursionError):
            if repairs or not _TRAILING_COMMA.search(script):
                return
            script, position, repairs = _TRAILING_COMMA.sub("", script[position:]), 0, 1
            continue
        yield document
        while position < len(script) and script[position] in " \t\r\n;,":
            position += 1


def _small_int(digits: str) -> int | None:
    """Numbers of more than 15 digits count nothing a company has; Python refuses those of 4,300."""
    return int(digits) if len(digits) <= 15 else None


def _no_constant(name: str) -> None:
    """NaN and Infinity are no JSON; the property is left empty."""


def _organisations(documents: Iterable[Any]) -> Iterator[Node]:
    """The organisations at the places where a page describes itself, in order."""
    for item in _nodes(documents):
        if _types(item) & ORGANISATIONS and text(item.get("name")):
            yield item


def _nodes(documents: Iterable[Any], into: Sequence[str] = _INTO) -> Iterator[Node]:
    """The descriptions at the places where a page describes itself, in order; a bounded number."""
    waiting = list(documents)[::-1]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item[:MAX_NODES][::-1])
        elif isinstance(item, Mapping):
            yield item
            waiting.extend(item[key] for key in reversed(into) if key in item)


def _types(item: Node) -> set[str]:
    """The types of a node without prefix: `http://schema.org/Organization` is `Organization`."""
    kinds = item.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return {re.split(r"[/#:]", kind)[-1] for kind in kinds[:20] if isinstance(kind, str)}


def _merged(nodes: Iterable[Node]) -> list[Node]:
    """One node for each name; the first statement of a property stands."""
    by_name: dict[str, dict[str, Any]] = {}
    for item in nodes:
        known = by_name.setdefault(text(item["name"]).casefold(), {})
        for key, value in item.items():
            known.setdefault(key, value)
    return list(by_name.values())


def _domains(item: Node) -> set[str]:
    """The registrable domains an organisation gives as its own."""
    found = set()
    for link in (*texts(item.get("url")), *texts(item.get("@id"))):
        if link.startswith(("http://", "https://")):
            try:
                found.add(domain(link))
            except Refused:
                continue
    return found - {""}
