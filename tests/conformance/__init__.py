"""What the real servers answered, the tool that compares, and the tests and command that run it on the stand-in."""
