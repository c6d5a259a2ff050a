"""The tests of app/sqlite/."""
