"""tagifai as a library: what notebooks and scripts call; `import tagifai` brings it in lazily."""
