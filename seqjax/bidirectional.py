"""Both directions: Schuster and Paliwal (1997). E17."""

import dataclasses
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp

from seqjax.layer import Layer

Merge = Literal["concat", "sum", "mean"]


class Both(NamedTuple):
    """Parameters or carries of the two directions."""

    ahead: Any
    back: Any


@dataclasses.dataclass(frozen=True)
class Bidirectional(Layer):
    """One layer walks ahead, one walks back, and their outputs are merged step by step.

    y⟨t⟩ = [a→⟨t⟩, a←⟨t⟩]. It needs the whole sequence, so it has no `step`. Each
    direction begins anew where `resets` begins a segment: the way back does so on
    the segment's last step.

    Attributes:
      ahead: walks from the first step to the last.
      back: walks from the last step to the first; a layer equal to `ahead`, with
        parameters of its own, if None.
      merge: "concat", "sum" or "mean" (the last two need equal widths).
    """

    ahead: Layer
    back: Layer | None = None
    merge: Merge = "concat"

    def __post_init__(self):
        super().__post_init__()
        if self.merge not in get_args(Merge):
            raise ValueError(f"merge must be one of {get_args(Merge)}: {self.merge!r}")
        ahead, back = self.layers
        if self.merge != "concat" and ahead.features != back.features:
            raise ValueError(
                f"merge={self.merge!r} needs equal widths, "
                f"got {ahead.features} and {back.features}"
            )

    @property
    def parts(self):
        """The layers of the two directions."""
        return tuple(self.layers)

    @property
    def causal(self):
        """No: the way back has read what comes later."""
        return False

    @property
    def layers(self) -> Both:
        """The layers of the two directions."""
        return Both(self.ahead, self.ahead if self.back is None else self.back)

    @property
    def features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The width after the merge."""
        ahead, back = self.layers
        together = ahead.features + back.features
        return together if self.merge == "concat" else ahead.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws parameters for each direction."""
        ahead, back = self.layers
        key_ahead, key_back = jax.random.split(key)
        return Both(
            ahead.init(key_ahead, in_features, dtype),
            back.init(key_back, in_features, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """A carry for each direction."""
        return Both(*(each.initial_carry(batch_shape, dtype) for each in self.layers))

    def start(self, params, batch_shape=(), dtype=jnp.float32):
        """A start for each direction."""
        ahead, back = self.layers
        return Both(
            ahead.start(params.ahead, batch_shape, dtype),
            back.start(params.back, batch_shape, dtype),
        )

    def trainable(self, params):
        """A tree for each direction."""
        ahead, back = self.layers
        return Both(ahead.trainable(params.ahead), back.trainable(params.back))

    def run(self, params, carry, start, xs, walk):
        """Both walks; with `walk.reverse`, the two swap direction."""
        other = walk._replace(reverse=not walk.reverse)
        ahead, back = self.layers
        carry_ahead, ys_ahead = ahead.run(
            params.ahead, carry.ahead, start.ahead, xs, walk
        )
        carry_back, ys_back = back.run(params.back, carry.back, start.back, xs, other)
        return Both(carry_ahead, carry_back), self._merge(ys_ahead, ys_back)

    def _merge(self, ahead, back):
        if self.merge == "concat":
            return jnp.concatenate([ahead, back], axis=-1)
        return (ahead + back) / (2 if self.merge == "mean" else 1)
