"""A step of a linear recurrence: h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩, elementwise.

Where a and b are of the input alone, `Cell.project` makes both for all steps at once.
Two steps are one again, (a₂ a₁, a₂ b₁ + b₂), so that many could be taken at a time.
"""

from typing import NamedTuple

from seqjax.layer import Array


class LinearStep(NamedTuple):
    """The two numbers of a step, for each unit."""

    a: Array  # [..., H]
    b: Array  # [..., H]

    def __call__(self, h: Array) -> Array:
        """Returns h⟨t⟩ = a ∗ h⟨t−1⟩ + b."""
        return self.a * h + self.b
