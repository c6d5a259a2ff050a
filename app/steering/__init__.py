"""What can be set while the stand-in runs (design 2.7): clock, modes, faults, journal; the same in every process."""
