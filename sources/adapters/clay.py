"""Clay: a row goes into a table by its webhook, and comes back filled by the table's HTTP column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sources.attributes import Kind
from sources.cadence import Cadence
from sources.contract import Call, Cost, Finding, Http, Limits, Payload, Pending, Question, Source, Wanted
from sources.errors import NotAllowed, PayloadChanged, SourceRefused, SourceUnavailable
from sources.vendors.clay import ACCOUNT, CONTACT, findings
from sources.vendors.json_answers import raise_for_status, read_json, text

_CALLBACK = re.compile(r"callback:(\d{1,20})", re.ASCII)


class Clay(Source):
    """Posts a row `{request_id, kind, domain, …, callback_url}` to the webhook of a table, the setting `webhook_url`.

    The table's last column, an HTTP API one, sends its columns as one JSON object to the row's `callback_url`, with
    `request_id` and `kind`. The source's key is the webhook's token, when it has one. A webhook takes 50,000 rows in
    its life: a table that passes rows through takes more.
    """

    slug = "clay"
    label = "Clay"
    version = 2
    kinds = frozenset({Kind.ACCOUNT, Kind.CONTACT})
    needs = (("domain",), ("linkedin_url",), ("email",), ("name",))
    provides = tuple(dict.fromkeys((*ACCOUNT, *CONTACT)))
    cadence = Cadence.parse("weekly monday")
    cost = Cost(credits=1, charges_miss=True)
    limits = Limits(per_minute=300, deadline=20.0)

    def fetch(self, call: Call, http: Http) -> Sequence[Payload | Pending]:
        """Pending once the webhook took the row, else its answer.

        Raises SourceRefused without a webhook, NotAllowed when the row would say nothing.
        """
        webhook = text(call.settings.get("webhook_url"))
        if not webhook.startswith(("https://", "http://")):
            raise SourceRefused("Clay needs the setting 'webhook_url': the address of the table's webhook")
        key = {"x-clay-webhook-auth": call.key} if call.key else {}
        (question,) = call.questions
        answer = http.post(webhook, json=_row(question), headers=key)
        if 200 <= answer.status < 300:
            return [Pending(token=question.lookup)]
        return [answer]

    def parse(self, payload: Payload, wanted: Wanted) -> Sequence[Finding]:
        """What the row that came back claims; () when its columns are blank."""
        if payload.status == 404:
            raise SourceRefused("Clay's webhook is gone: make a new one and set 'webhook_url'")
        raise_for_status(payload)
        body = read_json(payload)
        if isinstance(body, list) and len(body) == 1:  # a column may be set up to send its row within a list
            body = body[0]
        if not isinstance(body, dict):
            raise PayloadChanged("Clay sent something other than a row")
        asked, answered = _CALLBACK.fullmatch(payload.url), text(body.get("request_id"))
        if asked and answered and answered != asked[1]:
            raise PayloadChanged("Clay's row carries the request_id of another row")
        found = findings(body, wanted)
        if not found and text(body.get("error")):
            told = text(body.get("error"))[:200]
            raise SourceUnavailable(f"Clay's table could not fill the row: {told}")
        return found


def _row(question: Question) -> dict[str, Any]:
    """What is sent of a subject: what is known of it, our name for the row and where to send it."""
    subject = question.subject
    known = {
        "domain": subject.domain,
        "name": subject.name,
        "linkedin_url": subject.linkedin_url,
        "email": subject.email,
        "city": subject.city,
        "country": subject.country,
    }
    told = {name: value for name, value in known.items() if value}
    if not told:
        raise NotAllowed("Clay needs a domain, a LinkedIn page, an e-mail address or a name")
    return {
        "request_id": question.lookup,
        "kind": subject.kind.value,
        **told,
        "callback_url": question.callback_url,
    }
