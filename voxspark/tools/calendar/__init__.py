"""The user's calendar, on a CalDAV server (RFC 4791)."""
