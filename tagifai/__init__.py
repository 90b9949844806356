"""The analysis of multi-label text classifiers, and how it is shown."""
