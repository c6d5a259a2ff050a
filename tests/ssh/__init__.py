"""Logins at a real sshd that asks the stand-in for the key."""
