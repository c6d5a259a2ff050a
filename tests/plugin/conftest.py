"""Keeps the project in elsewhere/ out of this run: it belongs to another environment."""

collect_ignore = ["elsewhere"]
