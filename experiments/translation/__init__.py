"""Sentences of one language in another."""
