"""A small convolutional network: images to a grid of vectors, or to one vector each."""

from collections.abc import Sequence
from typing import Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array
from seqjax.patches import patches

Form = Literal["grid", "flat", "mean"]


class ConvEncoder(nn.Module):
    """Computes relu(W ∗ x + b) of 3 × 3 convolutions, one on the other: LeCun (1989).

    Each is a dense layer on `seqjax.patches`.

    Attributes:
      channels: of each convolution.
      strides: of each; 2 halves the height and the width.
      places: whether each pixel's place is read with it, as two channels from −1 to 1
        (Liu et al., 2018), so that words such as "left" can be learned.
      form: of what is made of an image: the "grid" of vectors, [H', W', features], the
        same "flat", [H' · W' · features], or their "mean", [features].

    Example:
      >>> images = jnp.ones((2, 7, 12, 8, 3))  # of two films of seven frames
      >>> encoder = ConvEncoder((4, 6), (2, 2))
      >>> encoder.init_with_output(jax.random.key(0), images)[0].shape
      (2, 7, 3, 2, 6)
    """

    channels: Sequence[int] = (32, 64, 64)
    strides: Sequence[int] = (2, 2, 1)
    places: bool = True
    form: Form = "grid"

    @property
    def features(self) -> int:
        """The width of a vector of the grid."""
        return self.channels[-1]

    @nn.compact
    def __call__(self, images: Array) -> Array:
        """Reads images.

        Args:
          images: [..., H, W, C], of any leading axes.

        Returns:
          A grid of vectors [..., H', W', features], or another form of it.
        """
        if self.form not in get_args(Form):
            raise ValueError(f"form must be one of {get_args(Form)}: {self.form!r}")
        lead = images.shape[:-3]
        x = images.reshape(-1, *images.shape[-3:])
        if self.places:
            axes = [jnp.linspace(-1, 1, size, dtype=x.dtype) for size in x.shape[1:3]]
            where = jnp.stack(jnp.meshgrid(*axes, indexing="ij"), axis=-1)
            where = jnp.broadcast_to(where, (len(x), *where.shape))
            x = jnp.concatenate([x, where], axis=-1)
        for width, stride in zip(self.channels, self.strides, strict=True):
            x = jax.nn.relu(nn.Dense(width)(patches(x, (1, 1), stride)))
        x = x.reshape(*lead, *x.shape[1:])
        if self.form == "mean":
            return x.mean(axis=(-3, -2))
        return x.reshape(*lead, -1) if self.form == "flat" else x
