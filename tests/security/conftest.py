"""Fixtures: those of the control plane's tests, a stand-in whose clock stands still."""

from tests.control.conftest import standin, standin_for

__all__ = ("standin", "standin_for")
