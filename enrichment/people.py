"""People of companies: whom sources name as chief executive is a contact of the account, with that role.

What an account says of the person is a claim of the writer `company`, so that the contact can be recognised by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.models import Account, Contact
from enrichment import bulk, claims
from enrichment.claims import Answer, CleanClaim
from enrichment.models import Check, EnrichmentRun, EnrichmentSource
from enrichment.models.check import Outcome
from enrichment.winner import COMPANY
from sources.attributes import BY_SLUG, Kind
from sources.cleaning import Refused, clean
from sources.identity import name_key

ROLE = "CEO"
NAMED_BY = {"ceo_name": "name", "ceo_linkedin_url": "linkedin_url"}
"""What an account says of its chief executive, and what that is of the person."""

_CHUNK = 500


def chief_executives(accounts: Iterable[Account]) -> dict[int, Contact]:
    """The contact who leads each account, by account id, where one is known (one query).

    Known by the profile that the account names, else by the name among the account's own contacts.
    """
    told = {account.pk: _told(account) for account in accounts}
    links = {each["linkedin_url"] for each in told.values() if "linkedin_url" in each}
    by_name = Q(account__in=bulk.among(told)) & ~Q(name_key="")
    found = Contact.objects.filter(Q(linkedin_url__in=bulk.among(links, "text")) | by_name).order_by("-pk")
    by_key: dict[tuple[int | None, str], Contact] = {}
    for contact in found:  # the oldest of several is taken
        for account in (None, contact.account_id):
            by_key[account, contact.linkedin_url] = by_key[account, contact.name_key] = contact
    leads: dict[int, Contact] = {}
    for account, person in told.items():
        link, name = person.get("linkedin_url", ""), name_key(person.get("name", ""))
        keys = ([(account, link), (None, link)] if link else []) + ([(account, name)] if name else [])
        if known := next((by_key[key] for key in keys if key in by_key), None):
            leads[account] = known
    return leads


def introduce(run: EnrichmentRun, accounts: QuerySet[Account]) -> tuple[list[int], list[int]]:
    """Make contacts of the chief executives that accounts name, and say of them what their accounts' sources said.

    What is written is written for `run`; doing it again makes nobody twice. Returns the ids of all of them, and of those
    that came with the run and of whom nobody else has said anything. Raises RunUndone.
    """
    everybody: dict[int, None] = {}
    writer = EnrichmentSource.objects.get(slug=COMPANY).pk
    last = 0
    while chunk := list(accounts.filter(pk__gt=last).order_by("pk")[:_CHUNK]):
        last = chunk[-1].pk
        named = [account for account in chunk if _told(account)]
        with transaction.atomic():
            _hold(named)
            leads = chief_executives(named)
            leads |= _make([account for account in named if account.pk not in leads])
            _employ(leads)
            said = {leads[account.pk].pk: _said(account, leads[account.pk]) for account in reversed(named)}
            now = bulk.clock()
            answers = [
                Answer(record=pk, source=writer, at=now, outcome=Outcome.FOUND, claims=claims_)
                for pk, claims_ in said.items()
                if claims_
            ]
            if answers:
                claims.record(run=run.pk, kind=Kind.CONTACT, answers=answers)
        everybody |= dict.fromkeys(contact.pk for contact in leads.values())
    others = Check.objects.filter(contact=OuterRef("pk")).exclude(run=run)
    made = Contact.objects.filter(
        ~Exists(others), pk__in=bulk.among(everybody), created_at__gte=run.created_at
    )
    return list(everybody), list(made.order_by("pk").values_list("pk", flat=True))


def _hold(accounts: Sequence[Account]) -> None:
    """Let others wait who would make contacts for the same accounts."""
    held = Account.objects.select_for_update(no_key=True).filter(pk__in=[account.pk for account in accounts])
    list(held.order_by("pk").values_list("pk"))


def _told(account: Account) -> dict[str, str]:
    """The person an account names: what is known of them, as attributes of a contact."""
    told: dict[str, str] = {}
    for slug, attribute in NAMED_BY.items():
        try:
            value = clean(BY_SLUG[attribute], account.value(slug))
        except Refused:
            continue
        if value:
            told[attribute] = str(value)
    return told


def _make(accounts: Sequence[Account]) -> dict[int, Contact]:
    """A new contact for each account; accounts that name the same profile share one."""
    first: dict[str, Account] = {}
    for account in accounts:
        first.setdefault(_told(account).get("linkedin_url") or f"account {account.pk}", account)
    now = bulk.clock()
    contacts = Contact.objects.bulk_create(
        Contact(account=account, created_at=now) for account in first.values()
    )
    by_person = dict(zip(first, contacts, strict=True))
    return {
        account.pk: by_person[_told(account).get("linkedin_url") or f"account {account.pk}"]
        for account in accounts
    }


def _employ(leads: Mapping[int, Contact]) -> None:
    """Link contacts that have no account yet."""
    free = {contact.pk: (contact, account) for account, contact in leads.items() if not contact.account_id}
    for contact, account in free.values():
        contact.account_id = account
    Contact.objects.bulk_update([contact for contact, _ in free.values()], ["account"])


def _said(account: Account, contact: Contact) -> tuple[CleanClaim, ...]:
    """What the account says of the person and the contact does not know yet, with the role and the account's references."""
    told = _told(account)
    found = [
        (attribute, told[attribute], tuple(account.current_values[slug]["references"]))
        for slug, attribute in NAMED_BY.items()
        if attribute in told
    ]
    found.append(("job_title", ROLE, found[0][2]))
    return tuple(CleanClaim(*each) for each in found if not contact.value(each[0]))
