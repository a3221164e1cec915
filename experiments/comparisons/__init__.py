"""The course's comparisons: each one command and one figure."""
