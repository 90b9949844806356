"""Read and write versions, reviews and cached answers."""
