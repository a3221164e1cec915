"""The linear recurrent unit: Orvieto et al. (2023), "Resurrecting Recurrent Neural
Networks for Long Sequences".

    λ = exp((−exp ν + iθ) / L)                       a decay and a turn a step
    h⟨t⟩ = λ ∗ h⟨t−1⟩ + √(1 − |λ|²) ∗ W_x x⟨t⟩        complex (eqs. 3, 6 and 7)
    y⟨t⟩ = [Re h⟨t⟩, Im h⟨t⟩]

Nothing bends what it remembers, so what lies 784 steps back is neither lost nor blown
up; the bend is left to what reads y, as are the paper's C and D, and in the paper the
norm √(1 − |λ|²) is only where its factor begins. Decay and turn are counted over L
steps: whatever L is, a step of Adam then turns an input of L steps ago by its learning
rate, in radians.
"""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import LinearCell
from seqjax.initializers import He, Initializer, per_gate
from seqjax.layer import Array
from seqjax.linear import Complex, LinearStep


class LRUParams(NamedTuple):
    """The input's kernel, and the decays and turns of K = ⌈H / 2⌉ complex units."""

    w_x: Array  # [in, 2K], columns real, imaginary
    ν: Array  # [K]
    θ: Array  # [K], radians in L steps


class LRUCarry(NamedTuple):
    """The complex state, its real parts beside its imaginary ones."""

    h: Array  # [*batch, 2K]


@dataclasses.dataclass(frozen=True)
class LRU(LinearCell):
    """The linear recurrent unit: h⟨t⟩ = λ ∗ h⟨t−1⟩ + √(1 − |λ|²) ∗ W_x x⟨t⟩.

    Attributes:
      features: H, the width of the output; of an odd one the last imaginary part is
        left out.
      horizon: L, the lag in steps in which decays and turns are counted: about as long
        as the sequences.
      least_decay: the initial exp ν are at least this: of an input L steps ago
        exp(−exp ν) is left.
      most_decay: and at most this. Their logarithms are drawn evenly, and so are the
        turns a step between 0 and π.
      kernel_init: the initializer of the real and the imaginary part of `w_x`.
    """

    features: int
    horizon: int = 100
    least_decay: float = 0.1
    most_decay: float = 10.0
    kernel_init: Initializer = He()

    def __post_init__(self):
        super().__post_init__()
        if self.horizon < 1:
            raise ValueError(f"horizon must be at least 1, not {self.horizon}")
        if not 0 < self.least_decay <= self.most_decay:
            raise ValueError(
                f"least_decay must be above 0 and at most most_decay, not "
                f"{self.least_decay} beside {self.most_decay}"
            )

    @property
    def _units(self) -> int:
        return -(-self.features // 2)

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernel, the decays and the turns."""
        key_x, key_ν, key_θ = jax.random.split(key, 3)
        K, low, high = (
            self._units,
            math.log(self.least_decay),
            math.log(self.most_decay),
        )
        return LRUParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, K, 2, dtype),
            ν=jax.random.uniform(key_ν, (K,), dtype, low, high),
            θ=jax.random.uniform(key_θ, (K,), dtype, 0.0, math.pi * self.horizon),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return LRUCarry(jnp.zeros((*batch_shape, 2 * self._units), dtype))

    def project(self, params, x):
        """Returns √(1 − |λ|²) ∗ W_x x⟨t⟩."""
        norm = jnp.sqrt(-jnp.expm1(-2 * jnp.exp(params.ν) / self.horizon))
        return x @ params.w_x * jnp.tile(norm, 2)

    def linear_step(self, params, u):
        """Returns λ as a, the same at each step, and u⟨t⟩ as b."""
        size, turn = jnp.exp(-jnp.exp(params.ν) / self.horizon), params.θ / self.horizon
        λ = Complex(size * jnp.cos(turn), size * jnp.sin(turn))
        return LinearStep(LRUCarry(λ), LRUCarry(u))  # pyright: ignore[reportArgumentType]

    def read(self, params, carry, u):
        """Returns the first H numbers of h⟨t⟩."""
        return carry.h[..., : self.features]
