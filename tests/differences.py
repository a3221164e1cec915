"""Gradients by central differences."""

import functools

import chex

from seqjax.testing.differences import central_differences

__all__ = ["central_differences", "close_to_differences"]

close_to_differences = functools.partial(
    chex.assert_trees_all_close, rtol=1e-6, atol=1e-7
)
