"""Images turned, scaled, moved and bent at random, as other hands would write them."""

import dataclasses

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

Array = jax.Array
KNOTS = 5  # a side of the coarse field by which images are bent


@dataclasses.dataclass(frozen=True)
class Warp:
    """How far images are changed; all is drawn evenly up to these numbers, or normal.

    Simard, Steinkraus and Platt (2003) bend the images of digits in this way.

    Attributes:
      shift: pixels, along both axes.
      turn: degrees.
      zoom: a share of the size, along each axis.
      shear: pixels a row, of a row against the next.
      bend: pixels, the deviation of a smooth field of displacements.
    """

    shift: float = 2.0
    turn: float = 12.0
    zoom: float = 0.12
    shear: float = 0.15
    bend: float = 1.0

    def __call__(self, key: Array, images: Array, rows: Array, much: float) -> Array:
        """Changes images, each in its own way.

        Args:
          key: a random key.
          images: [B, H, W].
          rows: how many rows of each are real, [B].
          much: a factor of all numbers; 0 changes nothing.

        Returns:
          [B, H, W], zero where a place comes from outside of the image.
        """
        count, height, width = images.shape
        keys = jax.random.split(key, 5)

        def draw(i, *shape):
            return much * jax.random.uniform(keys[i], (count, *shape), minval=-1)

        moved, angle = self.shift * draw(0, 2), jnp.deg2rad(self.turn) * draw(1)
        scale, lean = 1 + self.zoom * draw(2, 2), self.shear * draw(3)
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        turn = jnp.stack([jnp.stack([cos, -sin], -1), jnp.stack([sin, cos], -1)], 1)
        turn = turn * scale[:, None, :]
        turn = turn.at[:, 1, 0].add(lean)  # [B, 2, 2]
        knots = jax.random.normal(keys[4], (count, 2, KNOTS, KNOTS))
        field = jax.image.resize(knots, (count, 2, height, width), "cubic")
        grid = jnp.stack(jnp.mgrid[:height, :width]).astype(images.dtype)  # [2, H, W]
        middle = jnp.stack([(rows - 1) / 2, jnp.full(count, (width - 1) / 2)], -1)
        middle = middle[:, :, None, None]
        places = jnp.einsum("bij,bjhw->bihw", turn, grid - middle) + middle
        places += moved[:, :, None, None] + much * self.bend * field

        def take(image, place):
            return map_coordinates(image, list(place), order=1, mode="constant")

        return jax.vmap(take)(images, places)
