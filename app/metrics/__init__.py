"""Counts requests, writes and keys, always, and tells them to Prometheus (design 2.7)."""
