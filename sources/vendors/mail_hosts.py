"""Which service stands behind a mail host, an SPF include or a verification record.

The hosts and tokens are public facts: each service tells its customers to publish them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MAIL_PROVIDERS: Mapping[str, str] = {
    "google.com": "Google Workspace",
    "googlemail.com": "Google Workspace",
    "mail.protection.outlook.com": "Microsoft 365",
    "mail.eo.outlook.com": "Microsoft 365",
    "mx.microsoft": "Microsoft 365",
    "partner.outlook.cn": "Microsoft 365",
    "zoho.com": "Zoho Mail",
    "zoho.eu": "Zoho Mail",
    "zoho.in": "Zoho Mail",
    "zohomail.com": "Zoho Mail",
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint",
    "mimecast.com": "Mimecast",
    "barracudanetworks.com": "Barracuda",
    "iphmx.com": "Cisco Secure Email",
    "messagelabs.com": "Symantec Email Security",
    "mailcontrol.com": "Forcepoint",
    "trendmicro.com": "Trend Micro Email Security",
    "trendmicro.eu": "Trend Micro Email Security",
    "sophos.com": "Sophos Email",
    "hornetsecurity.com": "Hornetsecurity",
    "antispameurope.com": "Hornetsecurity",
    "mailspamprotection.com": "SiteGround",
    "messagingengine.com": "Fastmail",
    "mail.icloud.com": "iCloud Mail",
    "yandex.net": "Yandex 360",
    "yandex.ru": "Yandex 360",
    "amazonaws.com": "Amazon WorkMail",
    "secureserver.net": "GoDaddy",
    "ovh.net": "OVHcloud",
    "ovh.com": "OVHcloud",
    "ionos.com": "IONOS",
    "ionos.de": "IONOS",
    "ionos.co.uk": "IONOS",
    "kundenserver.de": "IONOS",
    "1and1.com": "IONOS",
    "perfora.net": "IONOS",
    "strato.de": "STRATO",
    "rzone.de": "STRATO",
    "protonmail.ch": "Proton Mail",
    "emailsrvr.com": "Rackspace Email",
    "gandi.net": "Gandi",
    "infomaniak.ch": "Infomaniak",
    "mailbox.org": "mailbox.org",
    "tutanota.de": "Tuta",
    "migadu.com": "Migadu",
    "privateemail.com": "Namecheap Private Email",
    "registrar-servers.com": "Namecheap",
    "hostinger.com": "Hostinger",
    "titan.email": "Titan",
    "one.com": "one.com",
    "mxhichina.com": "Alibaba Mail",
    "qiye.aliyun.com": "Alibaba Mail",
    "exmail.qq.com": "Tencent Exmail",
    "qiye.163.com": "NetEase Mail",
    "mail.ru": "VK WorkMail",
    "improvmx.com": "ImprovMX",
    "forwardemail.net": "Forward Email",
    "mx.cloudflare.net": "Cloudflare Email Routing",
    "mailgun.org": "Mailgun",
    "sendgrid.net": "SendGrid",
}
"""Ends of MX hosts → who receives the mail."""

SPF_SERVICES: Mapping[str, str] = {
    "_spf.google.com": "Google Workspace",
    "spf.protection.outlook.com": "Microsoft 365",
    "zoho.com": "Zoho Mail",
    "zoho.eu": "Zoho Mail",
    "zohomail.com": "Zoho Mail",
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint",
    "mimecast.com": "Mimecast",
    "iphmx.com": "Cisco Secure Email",
    "messagelabs.com": "Symantec Email Security",
    "salesforce.com": "Salesforce",
    "exacttarget.com": "Salesforce Marketing Cloud",
    "pardot.com": "Salesforce Account Engagement",
    "amazonses.com": "Amazon SES",
    "sendgrid.net": "SendGrid",
    "mailgun.org": "Mailgun",
    "mandrillapp.com": "Mailchimp",
    "mcsv.net": "Mailchimp",
    "hubspotemail.net": "HubSpot",
    "hubspot.com": "HubSpot",
    "mktomail.com": "Marketo",
    "zendesk.com": "Zendesk",
    "freshemail.io": "Freshdesk",
    "freshdesk.com": "Freshdesk",
    "helpscoutemail.com": "Help Scout",
    "intercom.io": "Intercom",
    "mtasv.net": "Postmark",
    "sparkpostmail.com": "SparkPost",
    "mailjet.com": "Mailjet",
    "sendinblue.com": "Brevo",
    "brevo.com": "Brevo",
    "smtp2go.com": "SMTP2GO",
    "createsend.com": "Campaign Monitor",
    "cmail1.com": "Campaign Monitor",
    "constantcontact.com": "Constant Contact",
    "emsd1.com": "ActiveCampaign",
    "getresponse.com": "GetResponse",
    "customeriomail.com": "Customer.io",
    "klaviyo.com": "Klaviyo",
    "iterable.com": "Iterable",
    "braze.com": "Braze",
    "netsuite.com": "NetSuite",
    "trustpilotservice.com": "Trustpilot",
    "atlassian.net": "Atlassian",
    "shops.shopify.com": "Shopify",
    "shopify.com": "Shopify",
    "greenhouse.io": "Greenhouse",
    "greenhouse-mail.io": "Greenhouse",
    "lever.co": "Lever",
    "bamboohr.com": "BambooHR",
    "workday.com": "Workday",
    "myworkday.com": "Workday",
    "docusign.net": "DocuSign",
    "qualtrics.com": "Qualtrics",
    "servicenowservices.com": "ServiceNow",
    "knowbe4.com": "KnowBe4",
    "messagingengine.com": "Fastmail",
    "protonmail.ch": "Proton Mail",
    "emailsrvr.com": "Rackspace Email",
    "secureserver.net": "GoDaddy",
}
"""Ends of hosts that an SPF record includes → who sends mail for the company."""

VERIFICATIONS: Mapping[str, str] = {
    "adobe-idp-site-verification": "Adobe",
    "adobe-sign-verification": "Adobe Acrobat Sign",
    "airtable-verification": "Airtable",
    "amazonses:": "Amazon SES",
    "anthropic-domain-verification": "Anthropic",
    "apple-domain-verification": "Apple Business Manager",
    "asv=": "Asana",
    "atlassian-domain-verification": "Atlassian",
    "atlassian-sending-domain-verification": "Atlassian",
    "box-domain-verification": "Box",
    "bugcrowd-verification": "Bugcrowd",
    "canva-site-verification": "Canva",
    "cisco-ci-domain-verification": "Cisco Webex",
    "webexdomainverification": "Cisco Webex",
    "citrix-verification-code": "Citrix",
    "citrix.mobile.ads.otp": "Citrix",
    "cursor-domain-verification": "Cursor",
    "detectify-verification": "Detectify",
    "docker-verification": "Docker",
    "docusign=": "DocuSign",
    "drift-domain-verification": "Drift",
    "dropbox-domain-verification": "Dropbox",
    "dynatrace-site-verification": "Dynatrace",
    "facebook-domain-verification": "Meta Business",
    "fastly-domain-delegation": "Fastly",
    "figma-domain-verification": "Figma",
    "globalsign-domain-verification": "GlobalSign",
    "google-site-verification": "Google Search Console",
    "h1-domain-verification": "HackerOne",
    "hcp-domain-verification": "HashiCorp Cloud",
    "heroku-domain-verification": "Heroku",
    "hubspot-developer-verification": "HubSpot",
    "jamf-site-verification": "Jamf",
    "klaviyo-site-verification": "Klaviyo",
    "knowbe4-site-verification": "KnowBe4",
    "linear-domain-verification": "Linear",
    "loom-site-verification": "Loom",
    "loom-verification": "Loom",
    "mailru-verification": "VK WorkMail",
    "miro-verification": "Miro",
    "mixpanel-domain-verify": "Mixpanel",
    "mongodb-site-verification": "MongoDB Atlas",
    "notion-domain-verification": "Notion",
    "notion_verify": "Notion",
    "onetrust-domain-verification": "OneTrust",
    "openai-domain-verification": "OpenAI",
    "pardot": "Salesforce Account Engagement",
    "pinterest-site-verification": "Pinterest",
    "postman-domain-verification": "Postman",
    "sendinblue-code": "Brevo",
    "brevo-code": "Brevo",
    "shopify-verification-code": "Shopify",
    "slack-domain-verification": "Slack",
    "smartsheet-site-validation": "Smartsheet",
    "sophos-domain-verification": "Sophos",
    "status-page-domain-verification": "Atlassian Statuspage",
    "stripe-verification": "Stripe",
    "teamviewer-sso-verification": "TeamViewer",
    "uber-domain-verification": "Uber for Business",
    "workplace-domain-verification": "Workplace",
    "yandex-verification": "Yandex",
    "zapier-domain-verification-challenge": "Zapier",
    "zoho-verification": "Zoho",
    "zoom-domain-verification": "Zoom",
    "zoom_verify_": "Zoom",
    "ms=": "Microsoft 365",
}
"""Starts of TXT records that prove a domain to a service → the service."""


def mail_provider(mail_records: Iterable[str]) -> str:
    """Who receives the mail, from MX records such as `10 aspmx.l.google.com.`; "" when nobody known does.

    The record asked first counts; the others are stand-ins.
    """
    hosts = sorted(entry for record in mail_records if (entry := _mail_host(record)))
    return next((name for _, host in hosts if (name := _behind(host, MAIL_PROVIDERS))), "")


def services(text_records: Iterable[str]) -> list[str]:
    """The services that TXT records name, sorted: senders of SPF records and verification tokens."""
    found: set[str] = set()
    for record in text_records:
        text = record.strip().strip('"').lower()
        if text.startswith("v=spf1"):
            found.update(_behind(host, SPF_SERVICES) for host in _spf_hosts(text))
        else:
            found.update(name for token, name in VERIFICATIONS.items() if text.startswith(token))
    return sorted(found - {""}, key=str.casefold)


def _mail_host(record: str) -> tuple[int, str] | None:
    """Preference and host of an MX record; None for one that is malformed or says "no mail" (RFC 7505)."""
    number, _, host = record.strip().partition(" ")
    host = host.strip().rstrip(".").lower()
    return (
        (int(number), host) if number.isascii() and number.isdigit() and len(number) <= 5 and host else None
    )


def _spf_hosts(text: str) -> list[str]:
    """The hosts that an SPF record includes or redirects to; mistakes in it cost only themselves."""
    hosts = []
    for term in text.split()[1:200]:
        name, mark, host = term.lstrip("+-~?").partition("=" if term.startswith("redirect") else ":")
        if mark and name in ("include", "redirect", "a", "mx", "exists"):
            hosts.append(host.rpartition(":")[2].partition("/")[0].rstrip("."))
    return hosts


def _behind(host: str, table: Mapping[str, str]) -> str:
    """The entry of `table` that `host` is or lies below; the longest one counts."""
    labels = host.split(".")[-6:]
    for start in range(len(labels)):
        if name := table.get(".".join(labels[start:])):
            return name
    return ""
