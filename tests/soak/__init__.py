"""What `make soak` runs for minutes and the tests run for seconds."""
