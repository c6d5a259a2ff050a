"""Carries whole states between databases: `tms-standin export` and `import`, and the images of PostgreSQL."""
