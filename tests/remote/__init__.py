"""Tests of what asks and starts a stand-in."""
