"""The analysis of multi-label text classifiers, and how it is shown."""

__version__ = "0.1.0"
