"""Tests of app/steering/."""
