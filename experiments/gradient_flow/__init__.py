"""Gradients by lag, and how far a network learns to remember."""
