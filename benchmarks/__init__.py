"""How fast the app is, beside what else there is: `python -m benchmarks`."""
