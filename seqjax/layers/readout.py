"""From a state to an output: ŷ⟨t⟩ = g₂(W_y a⟨t⟩ + b_y), E3."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from seqjax.initializers import Glorot, Initializer
from seqjax.layer import Array, Layer
from seqjax.masks import zero_invalid


class ReadoutParams(NamedTuple):
    """The kernel and the bias."""

    w: Array  # [in, features]
    b: Array  # [features]


@dataclasses.dataclass(frozen=True)
class Readout(Layer):
    """The affine map W_y a⟨t⟩ + b_y of each step, which gives logits.

    g₂ belongs to the loss (sigmoid E6, softmax E7). A readout is a layer without
    memory: its carry is empty, so it can be the top of a `Stack`.

    Attributes:
      features: n_y, the number of outputs.
      kernel_init: the initializer of `w`.
    """

    features: int
    kernel_init: Initializer = Glorot()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernel; the bias is zero."""
        return ReadoutParams(
            w=self.kernel_init(key, (in_features, self.features), dtype),
            b=jnp.zeros(self.features, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns the empty carry."""
        del batch_shape, dtype
        return ()

    def run_step(self, params, carry, x):
        """Returns the output of one step."""
        return carry, x @ params.w + params.b

    def run(self, params, carry, initial, xs, options):
        """Returns the outputs of all steps, zero where masked."""
        params = ReadoutParams(*(p.astype(options.dtype) for p in params))
        return carry, zero_invalid(options.mask, xs @ params.w + params.b)
