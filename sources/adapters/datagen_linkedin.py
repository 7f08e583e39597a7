"""DataGen's LinkedIn tools: people and companies by their page."""

from __future__ import annotations

from collections.abc import Sequence

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Secret, Source, Wanted
from sources.errors import NotAllowed, PayloadChanged
from sources.vendors import datagen, linkedin
from sources.vendors.datagen_linkedin import finding

_TOOLS = {Kind.ACCOUNT: "get_linkedin_company_data", Kind.CONTACT: "get_linkedin_person_data"}


class DatagenLinkedin(Source):
    """Runs the tool for a person's or a company's profile; the setting `tool` names another alias of it."""

    slug = "datagen_linkedin"
    label = "DataGen LinkedIn profiles"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("linkedin_url",),)
    provides = tuple(dict.fromkeys((*linkedin.COMPANY, *linkedin.PERSON)))
    cadence = Cadence.parse("weekly monday")
    cost = Cost(credits=1)
    limits = Limits(per_minute=50, in_flight=3, deadline=60.0)
    secret = Secret(env=datagen.KEY, help_url=datagen.HELP)
    base_url = datagen.BASE_URL

    def fetch(self, call: Call, http: Http) -> Sequence[Payload]:
        """The envelope of the tool's result; raises NotAllowed without a LinkedIn page."""
        subject = call.subject
        if not subject.linkedin_url:
            raise NotAllowed("DataGen finds people and companies by their LinkedIn page only")
        parameters = {"linkedin_url": subject.linkedin_url}
        return [datagen.execute(call, http, _TOOLS[subject.kind], parameters)]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """The person or company; () when LinkedIn has no such page."""
        result = datagen.result_of(payload)
        if result is datagen.MISSING or result in (None, [], {}):
            return ()
        for item in datagen.objects(result):
            if found := finding(item, self.slug):
                return [found]
        raise PayloadChanged("DataGen's result is neither a person nor a company")
