"""The store over SQLite in WAL, `synchronous=FULL` (design 3.2.4)."""
