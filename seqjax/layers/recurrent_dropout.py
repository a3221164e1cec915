"""Noise on the recurrence of any cell: zoneout, and dropout with a locked mask.

Both draw from the key of `Layer.unroll`. Without one, and in `step`, zoneout takes the
mean over its noise, and locked dropout drops nothing.
"""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.cell import Cell
from seqjax.layer import Params
from seqjax.noise import keep_some


@dataclasses.dataclass(frozen=True)
class CellAround(Cell):
    """A cell around another one: what `Zoneout` and `LockedDropout` share.

    Attributes:
      cell: any cell.
      rate: the share of numbers that the noise changes, in [0, 1).
    """

    cell: Cell
    rate: float

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.cell, Cell):
            raise TypeError(
                f"{type(self).__name__} is around a cell, not {self.cell!r}: put it "
                f"into a Stack or a Bidirectional, around each cell"
            )
        if not 0 <= self.rate < 1:
            raise ValueError(f"rate must be in [0, 1), not {self.rate}")

    @property
    def parts(self):
        """The cell inside."""
        return (self.cell,)

    @property
    def features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The cell's width."""
        return self.cell.features

    @property
    def linear(self):
        """Whether the cell is."""
        return self.cell.linear

    @property
    def noisy(self):
        """Whether a key makes a difference."""
        return self.rate > 0 or self.cell.noisy

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns the cell's carry."""
        return self.cell.initial_carry(batch_shape, dtype)

    def blend(self, before, after, keep):
        """Blends as the cell does."""
        return self.cell.blend(before, after, keep)


class ZoneoutInput(NamedTuple):
    """What a step reads of its input."""

    u: Any  # the cell's
    keep: Any  # like the carry, 1 where a number is kept; () without noise


@dataclasses.dataclass(frozen=True)
class Zoneout(CellAround):
    """A cell some of whose state, drawn anew at each step, stays as it was.

        carry⟨t⟩ = d⟨t⟩ ∗ carry⟨t−1⟩ + (1 − d⟨t⟩) ∗ cell(carry⟨t−1⟩, x⟨t⟩)

    with d⟨t⟩ = 1 at a share `rate` of the numbers and 0 at the others; without noise,
    d = rate. Krueger et al. (2017), "Zoneout", eqs. 1 and 2; there, an LSTM's c and h
    have a rate each. An output that is a part of the carry, as h is, is the blended
    one.
    """

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the cell's parameters."""
        return self.cell.init(key, in_features, dtype)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the cell's initial carry."""
        return self.cell.initial_carry_from(params, batch_shape, dtype)

    def trainable(self, params):
        """Returns the cell's tree of booleans."""
        return self.cell.trainable(params)

    def noisy_params(self, params, key, batch_shape):
        """Lets the cell draw its own."""
        return self.cell.noisy_params(params, key, batch_shape)

    def project(self, params, x):
        """Returns the cell's u⟨t⟩, and no noise."""
        return ZoneoutInput(self.cell.project(params, x), ())

    def noisy_project(self, params, x, key):
        """Returns the cell's u⟨t⟩, and what to keep of each part of the carry."""
        key_cell, key_keep = jax.random.split(key)
        carry = jax.eval_shape(lambda: self.initial_carry(x.shape[:-1]))
        keep = _mask_like(carry, key_keep, 1 - self.rate, x.dtype)
        return ZoneoutInput(self.cell.noisy_project(params, x, key_cell), keep)

    def recur(self, params, carry):
        """Returns the cell's v⟨t⟩."""
        return self.cell.recur(params, carry)

    def update(self, params, carry, u, v):
        """Takes the cell's step, and keeps some of the carry before it."""
        after, y = self.cell.update(params, carry, u.u, v)
        is_drawn = bool(jax.tree.leaves(u.keep))
        keep = u.keep if is_drawn else jax.tree.map(lambda _: self.rate, carry)
        blended = self.blend(carry, after, lax.stop_gradient(keep))
        pairs = zip(jax.tree.leaves(after), jax.tree.leaves(blended), strict=True)
        return blended, next((kept for new, kept in pairs if new is y), y)

    def gates(self, params, carry, u, v):
        """Returns the cell's gates."""
        return self.cell.gates(params, carry, u.u, v)


class LockedDropoutParams(NamedTuple):
    """The cell's parameters, and the noise of a sequence."""

    cell: Params
    mask: Any = None  # like the carry, 0 or 1 / (1 − rate); only while noise is drawn


@dataclasses.dataclass(frozen=True)
class LockedDropout(CellAround):
    """A cell whose `recur` sees the carry through one mask at all steps of a sequence.

        v⟨t⟩ = recur(m ∗ carry⟨t−1⟩) with m = 0 at a share `rate` of the numbers, and
        1 / (1 − rate) at the others

    Gal and Ghahramani (2016), "A theoretically grounded application of dropout in
    recurrent neural networks", section 4. The memory itself is not dropped: an LSTM's
    c, or what a GRU's gate blends h⟨t−1⟩ with, would fade or grow with every step. Nor
    is a product inside `update`, which `gru` has one of; `gru_reset_after` has none.

    Raises:
      ValueError: by `init`, if the cell's `recur` gives nothing.
    """

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the cell's parameters; there is no mask yet."""
        params = self.cell.init(key, in_features, dtype)
        carry = self.initial_carry((), dtype)
        if not jax.tree.leaves(jax.eval_shape(self.cell.recur, params, carry)):
            raise ValueError(
                f"LockedDropout drops what recur reads of the carry, and that of "
                f"{self.cell!r} reads nothing"
            )
        return LockedDropoutParams(params)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the cell's initial carry."""
        return self.cell.initial_carry_from(params.cell, batch_shape, dtype)

    def trainable(self, params):
        """Returns the cell's tree of booleans."""
        return LockedDropoutParams(self.cell.trainable(params.cell))

    def noisy_params(self, params, key, batch_shape):
        """Draws the mask, after the cell has drawn its own."""
        key_cell, key_mask = jax.random.split(key)
        carry = jax.eval_shape(lambda: self.initial_carry(batch_shape))
        share = 1 - self.rate
        mask = _mask_like(carry, key_mask, self.rate, jnp.float32)
        return LockedDropoutParams(
            self.cell.noisy_params(params.cell, key_cell, batch_shape),
            jax.tree.map(lambda m: m / share, mask),
        )

    def project(self, params, x):
        """Returns the cell's u⟨t⟩."""
        return self.cell.project(params.cell, x)

    def noisy_project(self, params, x, key):
        """Returns the cell's u⟨t⟩, with the cell's own noise."""
        return self.cell.noisy_project(params.cell, x, key)

    def recur(self, params, carry):
        """Returns the cell's v⟨t⟩, of a carry seen through the mask."""
        if params.mask is not None:
            mask = lax.stop_gradient(params.mask)
            carry = jax.tree.map(lambda a, m: a * m.astype(a.dtype), carry, mask)
        return self.cell.recur(params.cell, carry)

    def update(self, params, carry, u, v):
        """Takes the cell's step."""
        return self.cell.update(params.cell, carry, u, v)

    def residuals(self, params, carry, u, v, after):
        """Returns the cell's."""
        return self.cell.residuals(params.cell, carry, u, v, after)

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns the cell's."""
        d_cell, *others = self.cell.pull_back(
            params.cell, carry, residuals, d_after, d_y
        )
        d_mask = jax.tree.map(jnp.zeros_like, params.mask)
        d_params = None if d_cell is None else LockedDropoutParams(d_cell, d_mask)
        return d_params, *others

    def gates(self, params, carry, u, v):
        """Returns the cell's gates."""
        return self.cell.gates(params.cell, carry, u, v)


def _mask_like(tree, key, zeros: float, dtype):
    """Draws zeros and ones for every leaf of a tree by itself, a share `zeros` of 0."""
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, max(len(leaves), 1))
    pairs = zip(keys, leaves, strict=False)
    drawn = [keep_some(k, zeros, leaf.shape, dtype) for k, leaf in pairs]
    return jax.tree.unflatten(structure, drawn)
