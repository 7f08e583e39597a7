"""What CRM exports and hand-made lists call their columns: names by field, the best first.

Only listed names are recognised, in any spelling ("Billing City", BILLINGCITY, billing_city), so "Account Owner" or
"Domain created" can never be taken for a name or a domain. The slugs, labels and aliases of the attribute
catalogue count as well; a name listed here goes before them.
"""

from __future__ import annotations

Names = dict[str, tuple[str, ...]]

COMPANY: Names = {
    "name": (
        "account name", "company name", "organization name", "organisation name", "business name", "name of company",
        "company", "account", "organization", "organisation", "company / account", "employer name", "employer",
        "associated company", "primary associated company", "associated company name", "customer name", "client name",
        "customer", "client", "firm", "companies",
    ),
    "domain": (
        "company domain name", "company domain", "domain", "domain name", "domains", "primary domain", "website domain",
        "website", "company website", "website url", "web site", "company url", "homepage", "homepage url", "url",
        "web page", "webpage",
    ),
    "external_id": (
        "account id", "company id", "organization id", "organisation id", "associated company id",
        "primary associated company id", "associated company ids", "account name id", "account 18 digit id",
        "companyid", "accountid",
    ),
    "city": ("billing city", "hq city", "headquarters city", "shipping city"),
    "country": ("billing country", "hq country", "headquarters country", "billing country code", "shipping country"),
    "headcount": (
        "headcount", "number of employees", "no of employees", "num employees", "employees", "employee count",
        "total employees", "current employee estimate", "employee range", "employees range", "size range",
        "number of employees range", "company size", "team size",
    ),
    "revenue_range": ("revenue range", "annual revenue", "estimated revenue", "estimated arr", "revenue"),
    "industry": ("industry", "primary industry", "sector", "vertical", "company industry"),
    "company_linkedin_url": (
        "company linkedin url", "company linkedin", "linkedin company page", "organization linkedin url",
        "company linkedin page", "linkedin company url",
    ),
    "tech_stack": ("tech stack", "web technologies", "technologies", "technology"),
    "total_funding": ("total funding", "total money raised", "total funding usd", "funding total usd", "funds raised"),
    "last_funding_date": ("last funding date", "last raised at", "last funding on", "latest funding date"),
    "last_funding_amount": ("last funding amount", "latest funding amount"),
    "funding_stage": ("funding stage", "latest funding stage", "last funding type", "latest funding"),
    "founded_year": ("founded year", "year founded", "year started", "foundation year"),
    "facebook_url": ("facebook company page",),
    "ticker": ("ticker", "ticker symbol", "stock symbol"),
}  # fmt: skip
"""Names that speak of a company in any file."""

COMPANY_ALONE: Names = {
    "company_description": ("description", "about", "about us", "short description"),
    "headquarters": ("headquarters", "hq", "location", "headquarters location", "primary location"),
    "founded_year": ("founded", "founded on", "foundation date"),
    "headcount": ("size",),
    "funding_stage": ("stage",),
    "twitter_url": ("twitter", "twitter url", "twitter page"),
    "facebook_url": ("facebook", "facebook url"),
    "domain": ("web", "site", "link"),
}
"""Names that speak of a company only where rows are companies, or after a word such as "Company"."""

PERSON: Names = {
    "first_name": ("first name", "given name", "forename", "fname", "name first name"),
    "last_name": ("last name", "surname", "family name", "lname", "name last name"),
    "name": ("full name", "contact name", "contact full name", "person name", "lead name", "contact person"),
    "external_id": ("contact id", "person id", "lead id", "contactid", "leadid", "contact record id"),
    "email": ("contact email", "person email", "lead email"),
    "linkedin_url": ("person linkedin url", "contact linkedin url"),
    "city": ("mailing city", "other city"),
    "country": ("mailing country", "other country"),
}
"""Names that speak of a person in any file."""

PERSON_ALONE: Names = {
    "job_title": ("job title", "title", "position", "role", "job position", "designation"),
    "location": ("location", "person location"),
    "headline": ("headline",),
}
"""Names that speak of a person only where rows are people, or after a word such as "Contact"."""

OWN: Names = {
    "name": ("name", "names", "display name"),
    "external_id": (
        "external id", "record id", "id", "hs object id", "object id", "external key", "crm id", "salesforce id", "18 digit id",
    ),
    "email": (
        "work email", "email work", "email", "email address", "email addresses", "emails", "primary email",
        "business email", "email primary", "email other", "secondary email", "personal email", "email home",
        "home email",
    ),
    "phone": (
        "phone", "phone number", "work phone", "phone work", "business phone", "telephone", "phone numbers",
        "work direct phone", "direct phone", "main phone", "corporate phone", "mobile phone", "mobile", "cell phone",
        "mobile phone number", "phone mobile", "phone home", "phone other",
    ),
    "city": ("city", "town", "city town village locality of address", "primary location city"),
    "country": ("country", "country region", "country of address", "country code", "primary location country"),
    "linkedin_url": ("linkedin url", "linkedin", "linkedin profile", "linkedin profile url", "linkedin page", "hs linkedin url"),
    "priority": ("priority", "priority level"),
    "segment": ("segment", "customer segment", "market segment"),
    "status": ("status",),
    "comments": ("comments", "comment", "notes", "note"),
}  # fmt: skip
"""Names that speak of whatever a row is."""

DOUBTFUL = frozenset({"web", "site", "link", "id", "size", "stage"})
"""Names too common to be believed unless the cells below agree."""

COMPANY_WORDS = frozenset(
    {"account", "company", "organization", "organisation", "org", "employer", "corporate"}
)
PERSON_WORDS = frozenset({"contact", "person", "lead", "people"})
DEAL_WORDS = frozenset({"deal", "opportunity"})
"""First words that say whose column it is: "Company City", "Person - Email - Work", "Deal - Organization"."""

BARE_COMPANY = frozenset(
    {"company", "account", "organization", "organisation", "customer", "client", "employer"}
)
"""Columns that hold a name in most files, and a domain in some."""

PLAIN_NOTES = frozenset({"", "usd", "us", "work", "primary", "main", "required", "optional", "company"})
"""What may stand in brackets behind a name without changing it: "Annual Revenue (USD)"."""

DEAL_MARKS = frozenset(
    {"stagename", "closedate", "dealname", "dealstage", "dealtitle", "dealvalue", "opportunityname", "opportunityid",
     "isclosed", "iswon", "forecastcategory", "probability", "expectedrevenue", "pipeline"}
)  # fmt: skip
"""Columns of deals, where "Name" and "ID" are those of the deal."""

DIALECT_MARKS: dict[str, frozenset[str]] = {
    "salesforce": frozenset(
        {"isdeleted", "masterrecordid", "ownerid", "createdbyid", "lastmodifiedbyid", "systemmodstamp", "createddate",
         "lastmodifieddate", "billingcity", "billingstreet", "billingstate", "billingstateprovince", "mailingcity",
         "billingpostalcode", "billingzippostalcode", "mailingstreet", "mailingstateprovince", "annualrevenue",
         "numberofemployees", "accountid", "contactid", "leadsource", "accountowner", "parentaccount",
         "lastactivity", "lastactivitydate", "companyaccount", "accountname"}
    ),
    "hubspot": frozenset(
        {"recordid", "hsobjectid", "companyowner", "contactowner", "lifecyclestage", "companydomainname", "createdate",
         "lastactivitydate", "leadstatus", "marketingcontactstatus", "countryregion", "stateregion", "websiteurl",
         "numberofemployees", "linkedincompanypage", "hubspotownerid", "associatedcompany", "associatedcompanyid",
         "companyname", "associatedcontact", "yearfounded", "totalmoneyraised", "webtechnologies"}
    ),
    "zoho": frozenset(
        {"recordid", "accountowner", "accountownerid", "contactownerid", "leadownerid", "noofemployees", "createdtime",
         "modifiedtime", "lastactivitytime", "accountnameid", "parentaccountid", "tag", "emailoptout", "modifiedby",
         "createdby", "createdbyid", "billingcity", "billingstate", "billingcode", "accounttype", "layout", "leadowner"}
    ),
    "attio": frozenset(
        {"recordid", "record", "domains", "employeerange", "estimatedarr", "estimatedarrusd", "entryid", "emailaddresses",
         "foundationdate", "primarylocation", "connectionstrength", "strongestconnection", "listentries", "phonenumbers",
         "categories", "lastinteraction", "firstinteraction", "lastinteractionwhen"}
    ),
}  # fmt: skip
"""Columns each CRM is known by; three of them, and more than of any other CRM, tell which it is."""
