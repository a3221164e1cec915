"""Decoding: any ``step(carry, token) -> (carry, logits)`` turned into sequences."""

from seqjax.decode.sampling import Samples, sample

__all__ = ["Samples", "sample"]
