"""Tests of app/tapis in process; expectations are those of contract tapis."""
