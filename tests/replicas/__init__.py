"""Several real stand-in processes on one PostgreSQL behind a real nginx, as docs/scale.md describes them."""
