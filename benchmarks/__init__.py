"""Benchmarks: each speed that the documents claim, beside a baseline in the same run. `make bench` runs them."""
