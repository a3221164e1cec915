"""The shapes of task, as Flax (linen) modules over any layer.

Batch-major in and out: [B, T, ...]; each transposes once. Nothing in here knows a
cell's equations.
"""

from seqjax.models.language_model import LanguageModel

__all__ = ["LanguageModel"]
