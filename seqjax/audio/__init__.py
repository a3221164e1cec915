"""Sound: notes become samples, samples become a file."""
