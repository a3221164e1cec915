"""Looking at a run: its figures."""

from seqjax.inspect.figures import curves, gradient_norms, heat_map, learning_curve

__all__ = ["curves", "gradient_norms", "heat_map", "learning_curve"]
