"""Rescoring what a recogniser of speech may have heard."""
