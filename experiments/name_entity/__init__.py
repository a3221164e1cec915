"""Name entity recognition."""
