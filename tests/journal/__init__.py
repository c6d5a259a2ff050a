"""Tests of the journal, one module for each of app/journal/."""
