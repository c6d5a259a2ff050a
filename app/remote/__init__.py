"""The other end of the control plane: what a test or a command asks of a running stand-in, and how one is started."""
