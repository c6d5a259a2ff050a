"""Ports of the loopback address for servers that bind theirs a moment later."""

import itertools
import os
import socket

# Below those that the system gives to whoever asks for any, and for each process others than for its neighbours:
# what is free now is free when the server has started.
_FIRST, _MANY = 10_000, 22_000
_numbers = itertools.count(os.getpid() * 997)


def free_port() -> int:
    """Return a port that nobody listens on, another one at each call."""
    for number in _numbers:
        port = _FIRST + number % _MANY
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError  # There is always a next number.
