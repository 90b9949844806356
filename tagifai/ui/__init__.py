"""The page: one module a tab; every function that a tab calls is handed to it."""
