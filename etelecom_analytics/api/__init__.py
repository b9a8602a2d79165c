"""The eTelecom API: requests and responses, paging, retries, parallel fetching."""
