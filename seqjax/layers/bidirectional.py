"""The other direction, and both: Schuster and Paliwal (1997). E17."""

import dataclasses
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp

from seqjax.layer import Layer
from seqjax.layers.layer_around import LayerAround

Merge = Literal["concat", "sum", "mean"]


class Directions(NamedTuple):
    """The parameters or the carries of the two directions."""

    forward: Any
    backward: Any


@dataclasses.dataclass(frozen=True)
class Reversed(LayerAround):
    """A layer that runs from the last step to the first; forward if `reverse` is True.

    Outputs stay at the steps of their inputs. It needs the whole sequence, so it has no
    `step`. Parameters and carries are the layer's.

    Attributes:
      layer: any layer.
    """

    @property
    def causal(self):
        """False: it has read the later inputs."""
        return False

    def run(self, params, carry, initial, xs, options):
        """Runs the layer in the direction that `options.reverse` does not ask for."""
        opposite = options._replace(reverse=not options.reverse)
        return self.layer.run(params, carry, initial, xs, opposite)


@dataclasses.dataclass(frozen=True)
class Bidirectional(Layer):
    """Two layers, one run forward and one backward, whose outputs are merged.

    y⟨t⟩ = [a→⟨t⟩, a←⟨t⟩]. It needs the whole sequence, so it has no `step`. Each
    direction begins anew where `resets` begins a segment: the backward one does so
    on the segment's last step.

    Attributes:
      forward: the layer that runs from the first step to the last.
      backward: the layer that runs from the last step to the first. None takes a layer
        equal to `forward`, with parameters of its own.
      merge: "concat", "sum" or "mean" (the last two need equal widths).
    """

    forward: Layer
    backward: Layer | None = None
    merge: Merge = "concat"

    def __post_init__(self):
        super().__post_init__()
        if self.merge not in get_args(Merge):
            raise ValueError(f"merge must be one of {get_args(Merge)}: {self.merge!r}")
        forward, backward = self.layers
        if self.merge != "concat" and forward.features != backward.features:
            raise ValueError(
                f"merge={self.merge!r} needs equal widths, "
                f"got {forward.features} and {backward.features}"
            )

    @property
    def parts(self):
        """The layers of the two directions."""
        return self.layers

    @property
    def causal(self):
        """False: the backward layer has read the later inputs."""
        return False

    @property
    def layers(self) -> Directions:
        """The layers of the two directions."""
        return Directions(
            self.forward, self.forward if self.backward is None else self.backward
        )

    @property
    def features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The width after the merge."""
        forward, backward = self.layers
        together = forward.features + backward.features
        return together if self.merge == "concat" else forward.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws parameters for each direction."""
        forward, backward = self.layers
        key_forward, key_backward = jax.random.split(key)
        return Directions(
            forward.init(key_forward, in_features, dtype),
            backward.init(key_backward, in_features, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns a carry for each direction."""
        return Directions(
            *(layer.initial_carry(batch_shape, dtype) for layer in self.layers)
        )

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns an initial carry for each direction."""
        forward, backward = self.layers
        return Directions(
            forward.initial_carry_from(params.forward, batch_shape, dtype),
            backward.initial_carry_from(params.backward, batch_shape, dtype),
        )

    def trainable(self, params):
        """Returns a tree of booleans for each direction."""
        forward, backward = self.layers
        return Directions(
            forward.trainable(params.forward), backward.trainable(params.backward)
        )

    def run(self, params, carry, initial, xs, options):
        """Runs both; with `options.reverse`, the two swap direction."""
        opposite = options._replace(reverse=not options.reverse)
        forward, backward = self.layers
        carry_forward, ys_forward = forward.run(
            params.forward, carry.forward, initial.forward, xs, options.within(0)
        )
        carry_backward, ys_backward = backward.run(
            params.backward, carry.backward, initial.backward, xs, opposite.within(1)
        )
        ys = self._merge(ys_forward, ys_backward)
        return Directions(carry_forward, carry_backward), ys

    def _merge(self, forward, backward):
        if self.merge == "concat":
            return jnp.concatenate([forward, backward], axis=-1)
        return (forward + backward) / (2 if self.merge == "mean" else 1)
