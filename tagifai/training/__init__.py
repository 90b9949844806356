"""Train, evaluate, search, import and release versions."""
