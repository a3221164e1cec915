"""Looking at a run: its figures."""

from seqjax.inspect.figures import gradient_norms, heat_map, learning_curve

__all__ = ["gradient_norms", "heat_map", "learning_curve"]
