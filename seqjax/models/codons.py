"""Bases as vectors: the codons and the open reading frames that a base is part of."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from seqjax.data.nucleotides import SHARES
from seqjax.layer import Array


class Bases(NamedTuple):
    """Bases as arrays, of NumPy or JAX."""

    letters: Any  # [..., 5], integers of seqjax.data.nucleotides: two neighbours a side
    frames: Any  # [..., 6], floats of seqjax.data.reading_frames.lengths_around


class CodonFeatures(nn.Module):
    """Makes a vector of the three codons that hold a base, and of its reading frames.

    Each of the 64 codons has a learned vector in each of the three frames, and these
    are summed; where a letter stands for several bases, the vectors of the codons that
    it may be part of are averaged. A dense layer of the open reading frames' lengths is
    added.

    Attributes:
      width: of the vector.
      frames: whether the reading frames are read too.
    """

    width: int
    frames: bool = True

    @nn.compact
    def __call__(self, bases: Bases) -> Array:
        """Returns vectors [..., width]."""
        draw = nn.initializers.normal(self.width**-0.5)
        vectors = self.param("codons", draw, (3, 4, 4, 4, self.width))
        shares = jnp.asarray(SHARES, vectors.dtype)[bases.letters]  # [..., 5, 4]
        total = jnp.zeros((), vectors.dtype)
        for i, of_frame in enumerate(vectors):
            three = (shares[..., i + place, :] for place in range(3))
            codons = jnp.einsum("...i,...j,...k->...ijk", *three)
            total += jnp.einsum("...ijk,ijkd->...d", codons, of_frame)
        if self.frames:
            total += nn.Dense(self.width, name="frames")(bases.frames)
        return total
