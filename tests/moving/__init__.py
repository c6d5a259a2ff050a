"""Tests of app/moving, with real databases on both sides."""
