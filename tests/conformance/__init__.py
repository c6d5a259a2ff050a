"""The tests and the command that play the recordings of the real servers against the stand-in."""
