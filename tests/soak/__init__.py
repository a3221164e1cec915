"""What the tests try a few times, and `make soak` for minutes."""
