"""What the pytest plugin hands to tests. Nothing here needs pytest; httpx is imported where a client is made."""
