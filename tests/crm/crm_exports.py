"""Headers as five CRMs and people write them, and the field of each column that has one."""

from __future__ import annotations

from sources.attributes import Kind

ACCOUNT, CONTACT = Kind.ACCOUNT, Kind.CONTACT

EXPORTS = {
    "hubspot companies": (
        "Record ID, Company name, Company owner, Create Date, Phone Number, Last Activity Date, City, Country/Region, "
        "Industry, Company Domain Name, Website URL, Number of Employees, Annual Revenue, LinkedIn Company Page, "
        "Description, Lifecycle Stage, Year Founded, Parent Company, Type, Total Money Raised, Associated Contact",
        "hubspot",
        ACCOUNT,
        {
            "Record ID": "external_id", "Company name": "name", "Phone Number": "phone", "City": "city",
            "Country/Region": "country", "Industry": "industry", "Company Domain Name": "domain",
            "Number of Employees": "headcount", "Annual Revenue": "revenue_range",
            "LinkedIn Company Page": "company_linkedin_url", "Description": "company_description",
            "Year Founded": "founded_year", "Total Money Raised": "total_funding",
        },
    ),
    "hubspot contacts": (
        "Record ID, First Name, Last Name, Email, Phone Number, Contact owner, Associated Company, "
        "Associated Company IDs, Last Activity Date, Lead Status, Marketing contact status, Create Date, Job Title, "
        "Website URL, City, Country/Region, Email Domain",
        "hubspot",
        CONTACT,
        {
            "Record ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Email": "email",
            "Phone Number": "phone", "Associated Company": "account.name", "Lead Status": "status",
            "Associated Company IDs": "account.external_id", "Job Title": "job_title", "City": "city",
            "Website URL": "account.domain", "Country/Region": "country",
        },
    ),
    "salesforce accounts, API names": (
        "ID, ISDELETED, MASTERRECORDID, NAME, TYPE, PARENTID, BILLINGCITY, BILLINGCOUNTRY, SHIPPINGCITY, PHONE, "
        "ACCOUNTNUMBER, WEBSITE, INDUSTRY, ANNUALREVENUE, NUMBEROFEMPLOYEES, TICKERSYMBOL, SITE, OWNERID, CREATEDDATE, "
        "CREATEDBYID, YEARSTARTED, Tech_Stack__c, Owner.Name, Parent.Name, Billing_City__c",
        "salesforce",
        ACCOUNT,
        {
            "ID": "external_id", "NAME": "name", "BILLINGCITY": "city", "BILLINGCOUNTRY": "country", "PHONE": "phone",
            "WEBSITE": "domain", "INDUSTRY": "industry", "ANNUALREVENUE": "revenue_range", "TICKERSYMBOL": "ticker",
            "NUMBEROFEMPLOYEES": "headcount", "YEARSTARTED": "founded_year", "Tech_Stack__c": "tech_stack",
        },
    ),
    "salesforce accounts, labels": (
        "Account ID, Account Name, Account Owner, Account Site, Account Number, Parent Account, Type, Billing Street, "
        "Billing City, Billing State/Province, Billing Country, Shipping City, Website, Employees, Annual Revenue, "
        "Industry, Created Date, Last Modified Date, Last Modified By, Account Description",
        "salesforce",
        ACCOUNT,
        {
            "Account ID": "external_id", "Account Name": "name", "Billing City": "city", "Billing Country": "country",
            "Website": "domain", "Employees": "headcount", "Annual Revenue": "revenue_range", "Industry": "industry",
            "Account Description": "company_description",
        },
    ),
    "salesforce contacts": (
        "Id, AccountId, LastName, FirstName, Name, MailingCity, MailingCountry, Phone, MobilePhone, ReportsToId, Email, "
        "Title, Department, AssistantName, LeadSource, OwnerId, CreatedDate, Account.Name, Account.Website, ReportsTo.Name",
        "salesforce",
        CONTACT,
        {
            "Id": "external_id", "AccountId": "account.external_id", "LastName": "last_name", "FirstName": "first_name",
            "Name": "name", "MailingCity": "city", "MailingCountry": "country", "Phone": "phone", "Email": "email",
            "Title": "job_title", "Account.Name": "account.name", "Account.Website": "account.domain",
        },
    ),
    "salesforce leads": (
        "Lead ID, First Name, Last Name, Title, Company / Account, Email, Lead Source, Lead Status, Lead Owner, "
        "Created Date, Country, Employees",
        "salesforce",
        CONTACT,
        {
            "Lead ID": "external_id", "First Name": "first_name", "Last Name": "last_name", "Title": "job_title",
            "Company / Account": "account.name", "Email": "email", "Lead Status": "status", "Country": "country",
            "Employees": "account.headcount",
        },
    ),
    "pipedrive organizations": (
        "Organization - Name, Organization - Owner, Organization - Address, "
        "Organization - City/town/village/locality of Address, Organization - Country of Address, Organization - ID, "
        "Organization - Industry, Organization - Number of employees, Organization - Website, Organization - LinkedIn profile, "
        "Organization - Open deals, Organization - Organization created",
        "pipedrive",
        ACCOUNT,
        {
            "Organization - Name": "name", "Organization - City/town/village/locality of Address": "city",
            "Organization - Country of Address": "country", "Organization - ID": "external_id",
            "Organization - Industry": "industry", "Organization - Number of employees": "headcount",
            "Organization - Website": "domain", "Organization - LinkedIn profile": "company_linkedin_url",
        },
    ),
    "pipedrive people": (
        "Person - ID, Person - Name, Person - Organization, Person - Email - Home, Person - Email - Work, "
        "Person - Phone - Work, Person - Owner, Person - Job title, Organization - ID, Person - Last activity date",
        "pipedrive",
        CONTACT,
        {
            "Person - ID": "external_id", "Person - Name": "name", "Person - Organization": "account.name",
            "Person - Email - Work": "email", "Person - Phone - Work": "phone", "Person - Job title": "job_title",
            "Organization - ID": "account.external_id",
        },
    ),
    "pipedrive deals": (
        "Deal - Title, Deal - ID, Deal - Organization, Deal - Value, Deal - Status, Deal - Owner",
        "pipedrive",
        ACCOUNT,
        {"Deal - Organization": "name"},
    ),
    "attio companies": (
        "Record ID, Record, Domains, Name, Description, Categories, Primary location > City, Primary location > Country, "
        "LinkedIn, Twitter, Estimated ARR, Funding raised (USD), Employee range, Foundation date, Created by, Team > Name",
        "attio",
        ACCOUNT,
        {
            "Record ID": "external_id", "Domains": "domain", "Description": "company_description", "Name": "name",
            "Primary location > City": "city", "Primary location > Country": "country", "Employee range": "headcount",
            "LinkedIn": "company_linkedin_url", "Twitter": "twitter_url", "Estimated ARR": "revenue_range",
            "Foundation date": "founded_year",
        },
    ),
    "attio people": (
        "Record ID, Name > First Name, Name > Last Name, Email addresses, Job title, Company > Name, Company > Domains, "
        "Company > Record ID, LinkedIn, Phone numbers, Created at",
        "attio",
        CONTACT,
        {
            "Record ID": "external_id", "Email addresses": "email", "Job title": "job_title",
            "Name > First Name": "first_name", "Name > Last Name": "last_name", "Company > Name": "account.name",
            "Company > Domains": "account.domain", "Company > Record ID": "account.external_id",
            "LinkedIn": "linkedin_url", "Phone numbers": "phone",
        },
    ),
    "attio list": (
        "Entry ID, Parent Record > Id, Parent Record > Name, Stage, Owner, Created at",
        "attio",
        ACCOUNT,
        {"Parent Record > Id": "external_id", "Parent Record > Name": "name"},
    ),
    "zoho accounts": (
        "Record Id, Account Name, Account Owner, Account Owner.id, Parent Account, Parent Account.id, Phone, Website, "
        "Account Number, Account Type, No. of Employees, Industry, Annual Revenue, Billing City, Shipping City, "
        "Billing Country, Ticker Symbol, Rating, Created Time, Modified By, Tag, Account Site",
        "zoho",
        ACCOUNT,
        {
            "Record Id": "external_id", "Account Name": "name", "Phone": "phone", "Website": "domain",
            "No. of Employees": "headcount", "Industry": "industry", "Annual Revenue": "revenue_range",
            "Billing City": "city", "Billing Country": "country", "Ticker Symbol": "ticker",
        },
    ),
    "zoho contacts": (
        "Record Id, Contact Owner, Contact Owner.id, First Name, Last Name, Full Name, Account Name, Account Name.id, "
        "Email, Secondary Email, Title, Email Opt Out, Lead Source, Mailing City, Mailing Country, Reporting To, "
        "Created Time, Modified Time",
        "zoho",
        CONTACT,
        {
            "Record Id": "external_id", "First Name": "first_name", "Last Name": "last_name", "Full Name": "name",
            "Account Name": "account.name", "Account Name.id": "account.external_id", "Email": "email",
            "Title": "job_title", "Mailing City": "city", "Mailing Country": "country",
        },
    ),
    "apollo people": (
        "First Name, Last Name, Title, Company, Company Name for Emails, Email, Email Status, Work Direct Phone, "
        "Mobile Phone, # Employees, Industry, Person Linkedin Url, Website, Company Linkedin Url, Twitter Url, City, "
        "Country, Company City, Company Country, Company Phone, Technologies, Annual Revenue, Latest Funding Amount",
        "",
        CONTACT,
        {
            "First Name": "first_name", "Last Name": "last_name", "Title": "job_title", "Company": "account.name",
            "Email": "email", "Work Direct Phone": "phone", "# Employees": "account.headcount",
            "Industry": "account.industry", "Person Linkedin Url": "linkedin_url", "Website": "account.domain",
            "Company Linkedin Url": "account.company_linkedin_url", "City": "city", "Country": "country",
            "Company City": "account.city", "Company Country": "account.country", "Company Phone": "account.phone",
            "Technologies": "account.tech_stack", "Annual Revenue": "account.revenue_range",
            "Latest Funding Amount": "account.last_funding_amount",
        },
    ),
    "made by hand": (
        "account_id, account_name, domain, priority, segment, Notes",
        "",
        ACCOUNT,
        {
            "account_id": "external_id", "account_name": "name", "domain": "domain", "priority": "priority",
            "segment": "segment", "Notes": "comments",
        },
    ),
}  # fmt: skip
