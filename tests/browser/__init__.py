"""Headless Chromium walks the pages of a real server."""
