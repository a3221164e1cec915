"""A network of firing rates, excitatory and inhibitory: Song, Yang and Wang (2016).

    a⟨t⟩ = (1 − α) a⟨t−1⟩ + α (W_x x⟨t⟩ + W r⟨t−1⟩ + b) + sqrt(2α) σ ξ⟨t⟩
    r⟨t⟩ = max(a⟨t⟩, 0)            W = |w_h| with the sign of the unit it leaves
    y⟨t⟩ = r⟨t⟩

"Training excitatory-inhibitory recurrent neural networks for cognitive tasks", eqs.
10–12: a is a unit's current, r its rate, α = Δt / τ, and ξ is normal noise of each unit
and step. By Dale's law what leaves a unit has one sign: a fixed fraction of the units
excites and the others inhibit. Taken: the dynamics, the noise (drawn only with a key,
as in training), Dale's law, and the first weights. Left: input and readout of positive
weights from the excitatory units alone, fixed connections, a start r⟨0⟩ = 0.1 that is
learned (`LearnedInitialCarry` has one), and max(w, 0) in place of |w|, which stops to
learn at 0.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.cell import Cell
from seqjax.initializers import Glorot, Initializer, scale_to_spectral_radius
from seqjax.layer import Array


class LeakyRateParams(NamedTuple):
    """The kernels and the bias.

    Row k of `w_h` is what leaves unit k; by Dale's law its size alone counts.
    """

    w_x: Array  # [in, H]
    w_h: Array  # [H, H]
    b: Array  # [H]


class LeakyRateCarry(NamedTuple):
    """The rates and the currents."""

    r: Array  # [*batch, H]
    a: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class LeakyRate(Cell):
    """Leaky rate units: a⟨t⟩ = (1 − α) a⟨t−1⟩ + α (W_x x⟨t⟩ + W r⟨t−1⟩ + b).

    Attributes:
      features: H, the number of units.
      leak: α in (0, 1], the length of a step in time constants; 0.2 in the paper.
      excitatory: the fraction of units that excite, the first ones; the others inhibit.
        None: weights of any sign.
      noise: σ, the standard deviation of the private noise, drawn with a key; the paper
        mostly takes 0.15.
      spectral_radius: the largest absolute eigenvalue of the first W.
      kernel_init: the initializer of `w_x`.
    """

    features: int
    leak: float = 0.2
    excitatory: float | None = 0.8
    noise: float = 0.0
    spectral_radius: float = 1.5
    kernel_init: Initializer = Glorot()

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.leak <= 1:
            raise ValueError(f"leak must be in (0, 1], not {self.leak}")
        if self.excitatory is not None and not 0 <= self.excitatory <= 1:
            raise ValueError(f"excitatory must be in [0, 1], not {self.excitatory}")
        if not self.noise >= 0:
            raise ValueError(f"noise must not be below 0, not {self.noise}")

    @property
    def noisy(self):
        """Whether a key makes a difference: if there is noise."""
        return self.noise > 0

    @property
    def _excitatory_units(self):
        share = 1.0 if self.excitatory is None else self.excitatory
        return round(share * self.features)

    @property
    def _signs(self):
        """+1 of each excitatory unit and −1 of each other: [H, 1]."""
        return np.where(np.arange(self.features) < self._excitatory_units, 1, -1)[
            :, None
        ]

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels; the bias is zero.

        Recurrent weights follow a gamma distribution of shape 2, those of inhibitory
        units so much larger as they are fewer; without Dale's law, a normal one.
        """
        key_x, key_h = jax.random.split(key)
        H, wide = self.features, jnp.promote_types(dtype, jnp.float32)
        if self.excitatory is None:
            w = jax.random.normal(key_h, (H, H), wide)
        else:
            w = jax.random.gamma(key_h, 2.0, (H, H), wide) * self._balance()
        w = scale_to_spectral_radius(w, self.spectral_radius)
        return LeakyRateParams(
            w_x=self.kernel_init(key_x, (in_features, H), dtype),
            w_h=(w if self.excitatory is None else jnp.abs(w)).astype(dtype),
            b=jnp.zeros(H, dtype),
        )

    def _balance(self):
        """Signs, times what makes the sums of both signs equal: [H, 1]."""
        E = self._excitatory_units
        ratio = E / (self.features - E) if 0 < E < self.features else 1.0
        return np.where(self._signs > 0, 1.0, -ratio)

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns r⟨0⟩ = a⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return LeakyRateCarry(r=zero, a=zero)

    def recurrent_weights(self, params):
        """Returns W [H, H]; row k is what leaves unit k."""
        if self.excitatory is None:
            return params.w_h
        return jnp.abs(params.w_h) * self._signs.astype(params.w_h.dtype)

    def project(self, params, x):
        """Returns W_x x⟨t⟩ + b."""
        return x @ params.w_x + params.b

    def noisy_project(self, params, x, key):
        """Returns W_x x⟨t⟩ + b + sqrt(2 / α) σ ξ⟨t⟩."""
        u = self.project(params, x)
        scale = (2 / self.leak) ** 0.5 * self.noise
        return u + scale * jax.random.normal(key, u.shape, u.dtype)

    def recur(self, params, carry):
        """Returns W r⟨t−1⟩."""
        return carry.r @ self.recurrent_weights(params)

    def update(self, params, carry, u, v):
        """Returns a⟨t⟩ = (1 − α) a⟨t−1⟩ + α (u + v) and r⟨t⟩ = max(a⟨t⟩, 0)."""
        a = (1 - self.leak) * carry.a + self.leak * (u + v)
        r = jax.nn.relu(a)
        return LeakyRateCarry(r, a), r

    def gates(self, params, carry, u, v):
        """Returns the input of each unit: the current from outside, and from units."""
        return {"outside": u, "inside": v}
