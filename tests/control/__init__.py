"""Tests of the control plane, one module for each of app/control/."""
