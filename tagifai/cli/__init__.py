"""The command line: `python -m tagifai`."""
