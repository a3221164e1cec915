"""What is tried at random: few times by the tests, many times by `make soak`."""
