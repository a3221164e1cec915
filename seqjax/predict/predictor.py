"""What all predictors have, and how the variables of one begin."""

import contextlib
from typing import Any, Protocol, runtime_checkable

import jax

from seqjax import memory

KEPT = 3  # copies of the parameters that any training keeps


@runtime_checkable
class Predictor(Protocol):
    """A frozen dataclass of a model, its variables, and what makes its inputs."""

    @property
    def model(self) -> Any:
        """The Flax module."""
        ...

    @property
    def variables(self) -> Any:
        """The module's arrays."""
        ...

    def example(self) -> tuple[Any, ...]:
        """Returns inputs that the module's `init` can be called with."""
        ...


def init(predictor: Predictor, key: jax.Array) -> Any:
    """Draws the variables of a predictor's model.

    They are those of ``model.init(key, *predictor.example())``, drawn by one compiled
    program instead of one for each random number and step of the model.

    Args:
      predictor: of `seqjax.predict`; its own variables are not looked at.
      key: random key.

    Returns:
      The model's variables.

    Raises:
      DoesNotFit: the memory has no room for them, their gradients and the best ones of
        a training; nothing was drawn.
    """
    draw, example = jax.jit(predictor.model.init), predictor.example()
    shapes = draw.trace(key, *example).out_info
    memory.check([shapes] * KEPT, f"{KEPT} copies of this model's parameters")
    return draw(key, *example)


def precision_of(predictor: Predictor) -> contextlib.AbstractContextManager[Any]:
    """Returns what lets a predictor compute in float64, where its class says `wide`.

    JAX would read its arrays as float32 otherwise, unless told so for all programs.
    """
    if getattr(predictor, "wide", False):
        return jax.enable_x64(True)
    return contextlib.nullcontext()
