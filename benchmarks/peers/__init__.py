"""The pages that the app is measured against; each is a program of its own."""
