"""The W3C reconciliation service: other people's tables matched against our records, and our values pulled into them."""
