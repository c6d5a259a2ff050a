"""Tests of app/faults/."""
