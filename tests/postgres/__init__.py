"""The tests of app/postgres/, each over a database of its own in a real PostgreSQL."""
