"""Find the labels that are probably missing or wrong."""
