"""Tests mirror app/; the folders beside them drive real server processes. Nothing here is part of the product."""
