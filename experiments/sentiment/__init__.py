"""The stars of a text."""
