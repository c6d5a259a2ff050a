"""The soak: the load suite's mixture for a long time, against a server process that it starts on this machine itself."""
