"""The convolutional LSTM: an LSTM on a grid, whose products are convolutions.

    Γi = σ(W_i ∗ [x⟨t⟩, h⟨t−1⟩] + p_i ∘ c⟨t−1⟩ + b_i)
    Γf = σ(W_f ∗ [x⟨t⟩, h⟨t−1⟩] + p_f ∘ c⟨t−1⟩ + b_f)
    c̃  = tanh(W_g ∗ [x⟨t⟩, h⟨t−1⟩] + b_g)
    c⟨t⟩ = Γi ∘ c̃ + Γf ∘ c⟨t−1⟩
    Γo = σ(W_o ∗ [x⟨t⟩, h⟨t−1⟩] + p_o ∘ c⟨t⟩ + b_o)
    h⟨t⟩ = Γo ∘ tanh c⟨t⟩
    y⟨t⟩ = h⟨t⟩

Here ∗ is a convolution and ∘ elementwise. Shi et al. (2015), "Convolutional LSTM
network: a machine learning approach for precipitation nowcasting", eq. 3. With the
grid's products flattened it is `PeepholeLSTM`, gate by gate.
"""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cells.peephole_lstm import PeepholeLSTM
from seqjax.initializers import per_gate
from seqjax.layer import Array
from seqjax.patches import patches


class ConvLSTMParams(NamedTuple):
    """The kernels and the bias, columns i, f, g, o; and the three peepholes.

    C is the channels of a place, features / (height · width).
    """

    w_x: Array  # [taps · in / (height · width), 4C], taps row by row
    w_h: Array  # [taps · C, 4C]
    b: Array  # [4C]
    p_i: Array  # [features], sees c⟨t−1⟩
    p_f: Array  # [features], sees c⟨t−1⟩
    p_o: Array  # [features], sees c⟨t⟩


@dataclasses.dataclass(frozen=True)
class ConvLSTM(PeepholeLSTM):
    """An LSTM whose units stand on a grid and see their neighbours alone.

    Inputs [..., in] and outputs [..., features] are images [height, width, channels]
    made flat, row by row.

    Attributes:
      features: height · width · channels of the output.
      forget_bias: the initial b_f.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
      grid: height and width.
      kernel: the height and the width that a unit sees, odd; 1 sees its own place.
        Its kernel² taps are fewer on a grid so small that some see beyond it always.

    Raises:
      ValueError: the units do not divide into the grid, or the kernel is even.
    """

    grid: tuple[int, int] = (1, 1)
    kernel: int = 3

    def __post_init__(self):
        super().__post_init__()
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise ValueError(f"grid must be a height and a width: {self.grid}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {self.kernel}")
        self._channels(self.features, "features")

    @property
    def _reach(self) -> tuple[int, int]:
        """How far a unit sees up and down, and to its sides."""
        rows, columns = (min(self.kernel // 2, size - 1) for size in self.grid)
        return rows, columns

    def _channels(self, width: int, name: str) -> int:
        places = math.prod(self.grid)
        if width % places:
            raise ValueError(
                f"{name} must be a multiple of the {places} places of a grid of "
                f"{self.grid[0]} by {self.grid[1]}, not {width}"
            )
        return width // places

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate; the peepholes are zero.

        Raises:
          ValueError: the inputs do not divide into the grid.
        """
        C = self._channels(self.features, "features")
        channels = self._channels(in_features, "in_features")
        key_x, key_h = jax.random.split(key)
        taps = math.prod(2 * n + 1 for n in self._reach)
        zero, none = jnp.zeros(C, dtype), jnp.zeros(self.features, dtype)
        return ConvLSTMParams(
            w_x=per_gate(self.kernel_init, key_x, taps * channels, C, 4, dtype),
            w_h=per_gate(self.recurrent_init, key_h, taps * C, C, 4, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero, zero]),
            p_i=none,
            p_f=none,
            p_o=none,
        )

    def project(self, params, x):
        """Returns W_x ∗ x⟨t⟩ + b, columns i, f, g, o."""
        return self._flat(self._convolve(x, params.w_x) + params.b)

    def recur(self, params, carry):
        """Returns W_h ∗ h⟨t−1⟩, columns i, f, g, o."""
        return self._flat(self._convolve(carry.h, params.w_h))

    def _convolve(self, x: Array, kernel: Array) -> Array:
        """Convolves flat images, zeros beyond the edge: [..., H, W, 4C]."""
        channels = self._channels(x.shape[-1], "inputs")
        images = x.reshape(*x.shape[:-1], *self.grid, channels)
        return patches(images, self._reach) @ kernel

    def _flat(self, gates: Array) -> Array:
        """Puts whole gates side by side: [..., H, W, 4C] to [..., 4 · features]."""
        *batch, height, width, fused = gates.shape
        apart = gates.reshape(*batch, height * width, 4, fused // 4)
        return jnp.moveaxis(apart, -2, -3).reshape(*batch, 4 * self.features)
