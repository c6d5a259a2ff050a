"""Tests of what the pytest plugin hands to tests."""
