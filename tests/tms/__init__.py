"""Tests of the TMS endpoints, one module for each of app/tms/: what they answer, and what they change."""
