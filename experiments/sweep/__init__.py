"""A grid over the flags of any experiment."""
