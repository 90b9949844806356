"""Results → HTML, by templates that escape what they are given."""
