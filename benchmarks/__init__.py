"""Each path of the house beside its peer and its limit, in one run: `python -m benchmarks`."""
