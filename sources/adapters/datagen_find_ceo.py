"""DataGen's web research: who leads a company, with the LinkedIn profile."""

from __future__ import annotations

from collections.abc import Sequence

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Wanted
from sources.errors import NotAllowed
from sources.vendors import datagen
from sources.vendors.datagen_research import CEO, TOOL, finding, query


class DatagenFindCeo(Source):
    """Asks the research tool who leads the company at a domain; the setting `tool` names another alias of it."""

    slug = "datagen_find_ceo"
    label = "DataGen CEO finder"
    kinds = frozenset({Kind.ACCOUNT})
    needs = (("domain",),)
    provides = CEO
    cadence = Cadence.parse("monthly")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=50, in_flight=3, deadline=120.0)
    secret = Secret(env=datagen.KEY, help_url=datagen.HELP)
    base_url = datagen.BASE_URL

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The envelope of the tool's result; raises NotAllowed without a domain."""
        if not call.subject.domain:
            raise NotAllowed("DataGen's research needs the domain of a company")
        return [datagen.execute(call, http, TOOL, {"query": query(call.subject.domain, CEO)})]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The chief executive of the company that the answer names; () when none was found."""
        result = datagen.result_of(payload)
        if result is datagen.MISSING:
            return ()
        found = finding(result, CEO)
        return [found] if found else ()
