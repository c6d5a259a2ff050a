"""`python -m tests.crash`: kill -9 and hostile conditions against real servers, and what was answered compared after."""
