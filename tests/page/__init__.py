"""Tests of the page, one module for each of app/page/."""
