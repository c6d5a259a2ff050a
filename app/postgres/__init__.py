"""The store over PostgreSQL, which several processes and hosts share (design 3.2.5)."""
