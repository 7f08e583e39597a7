"""DataGen's web research: what a company does, uses, and how many people it has."""

from __future__ import annotations

from collections.abc import Sequence

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Wanted
from sources.errors import NotAllowed
from sources.vendors import datagen
from sources.vendors.datagen_research import COMPANY, TOOL, finding, query


class DatagenWebResearch(Source):
    """Puts one question about a domain to the research tool; the setting `tool` names another alias of it."""

    slug = "datagen_web_research"
    label = "DataGen web research"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = COMPANY
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=50, in_flight=3, deadline=120.0)
    secret = Secret(env=datagen.KEY, help_url=datagen.HELP)
    base_url = datagen.BASE_URL

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The envelope of the tool's result; raises NotAllowed without a domain."""
        if not call.subject.domain:
            raise NotAllowed("DataGen's research needs the domain of a company")
        return [datagen.execute(call, http, TOOL, {"query": query(call.subject.domain, COMPANY)})]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What was found about the company that the answer names; () when nothing was."""
        result = datagen.result_of(payload)
        if result is datagen.MISSING:
            return ()
        found = finding(result, COMPANY)
        return [found] if found else ()
