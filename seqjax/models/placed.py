"""Tokens as vectors that also say where they stand."""

import flax.linen as nn
import jax.numpy as jnp

from seqjax.layer import Array

LONGEST = 1000.0  # steps; the slowest wave is about six times as long


class PlacedEmbed(nn.Module):
    """Adds a dense layer of sines and cosines of the place to a token's vector.

    For sequences that are aligned, so that a place has a meaning. Vaswani et al.
    (2017), section 3.5, has such waves.

    Attributes:
      tokens: the number of tokens.
      width: of the vectors.
      waves: how many sines, and cosines.

    Example:
      >>> import jax
      >>> embed, ids = PlacedEmbed(4, 8), jnp.array([[3, 3]])
      >>> vectors = embed.init_with_output(jax.random.key(0), ids)[0]
      >>> vectors.shape, bool((vectors[0, 0] == vectors[0, 1]).all())
      ((1, 2, 8), False)
    """

    tokens: int
    width: int
    waves: int = 16

    @nn.compact
    def __call__(self, ids: Array) -> Array:
        """Returns vectors [..., T, width] for integers [..., T]."""
        speeds = LONGEST ** -(jnp.arange(self.waves) / self.waves)
        angles = jnp.arange(ids.shape[-1])[:, None] * speeds
        places = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
        vectors = nn.Embed(self.tokens, self.width)(ids)
        return vectors + nn.Dense(self.width)(places.astype(vectors.dtype))
