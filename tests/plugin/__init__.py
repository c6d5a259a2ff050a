"""Tests of the pytest plugin, run by a pytest inside this one, and in a project elsewhere that installs the wheel."""
