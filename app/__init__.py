"""The TMS stand-in. This package's name on disk is `app`; the wheel installs it as `tms_standin`."""

__version__ = "0.1.0"
