"""Benchmark, load and crash commands. They drive real processes on this machine's loopback address, nothing else."""
