"""This project's own package; it has the name that the stand-in's has in its repository."""
