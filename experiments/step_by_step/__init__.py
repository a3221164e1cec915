"""Recurrent networks step by step, with gradients by hand."""
