"""Real client libraries log in at a real server process, through the device flow."""
