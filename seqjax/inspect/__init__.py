"""Looking at a run: its figures."""

from seqjax.inspect.figures import (
    confusion,
    curves,
    gradient_norms,
    heat_map,
    learning_curve,
)

__all__ = ["confusion", "curves", "gradient_norms", "heat_map", "learning_curve"]
