"""What is measured: one module a group of rows, each with `measure(bench) -> Findings`."""
