"""Tests of the command line, most of them against a real server."""
