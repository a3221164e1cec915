"""Looking at a run: its figures."""

from seqjax.figures.figures import (
    alignments,
    confusion,
    curves,
    gradient_norms,
    heat_map,
    learning_curve,
)

__all__ = [
    "alignments",
    "confusion",
    "curves",
    "gradient_norms",
    "heat_map",
    "learning_curve",
]
