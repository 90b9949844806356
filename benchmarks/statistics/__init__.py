"""Simulations that show that the app's statistics hold: `python -m benchmarks.statistics`."""
