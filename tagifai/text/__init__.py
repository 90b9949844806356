"""Turn texts into words: normalise, filter, segment, and keep each word's place."""
