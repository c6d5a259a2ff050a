"""What SECURITY.md promises, tried the way an attacker would."""
