"""What a law is, and which layers it is about."""

import dataclasses
import inspect
from collections.abc import Callable

import jax

from seqjax import Cell, Layer
from seqjax.testing.comparison import LawError
from seqjax.testing.data import parameter_shapes
from seqjax.testing.programs import settings


@dataclasses.dataclass(frozen=True)
class Law:
    """A statement about layers, and the function that checks it.

    Attributes:
      name: of the function.
      statement: the law in a sentence.
      about: tells whether the law is about a layer.
      check: takes a layer and the width of its inputs, and raises unless it holds.
    """

    name: str
    statement: str
    about: Callable[[Layer], bool]
    check: Callable[[Layer, int], None]

    def __call__(self, layer: Layer, in_features: int = 3) -> None:
        """Checks the law, if it is about this layer.

        Raises:
          LawError: the layer breaks it.
        """
        try:
            with settings():
                if self.about(layer):
                    self.check(layer, in_features)
        except LawError as error:
            raise LawError(self._broken_by(layer, str(error))) from None
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            raise LawError(self._broken_by(layer, fault)) from error

    def _broken_by(self, layer: Layer, fault: str) -> str:
        return f"{layer!r} breaks the law {self.name}: {self.statement}\n{fault}"


def law(about: Callable[[Layer], bool]) -> Callable[[Callable], Law]:
    """Makes a law of a function whose docstring states it.

    Args:
      about: tells which layers the law is about.
    """

    def make(check: Callable) -> Law:
        statement = (inspect.getdoc(check) or "").replace("\n", " ")
        return Law(check.__name__, statement, about, check)

    return make


def every_layer(layer: Layer) -> bool:
    """Every layer."""
    del layer
    return True


def causal_layers(layer: Layer) -> bool:
    """The layers that can be stepped, since no output depends on a later input."""
    return layer.causal


def layers_of_the_whole_sequence(layer: Layer) -> bool:
    """The layers that cannot be stepped."""
    return not layer.causal


def cells(layer: Layer) -> bool:
    """The cells, those with a layer inside included."""
    return isinstance(layer, Cell)


def simple_cells(layer: Layer) -> bool:
    """The cells without a layer inside."""
    return isinstance(layer, Cell) and not layer.parts


def fused_cells(layer: Layer) -> bool:
    """The cells whose gates stand side by side in two kernels."""
    return simple_cells(layer) and fused_kernels(layer) is not None


def fused_kernels(layer: Layer) -> tuple[int, int] | None:
    """Finds the kernels [in, G·H] and [H, G·H] of a cell's G gates by their shapes.

    Returns:
      Their places among the leaves of the parameters; None if there are no such two, or
      if the gates may be of another width than the output, as a part of the carry is.
    """
    features = layer.features
    carry = jax.tree.leaves(jax.eval_shape(layer.initial_carry))
    if any(leaf.shape != (features,) for leaf in carry):
        return None
    in_features = 97 * features  # no width of the layer, and divides into any grid
    shapes = [
        leaf.shape for leaf in jax.tree.leaves(parameter_shapes(layer, in_features))
    ]
    inward = [shape for shape in shapes if len(shape) == 2 and shape[0] == in_features]
    if len(inward) != 1 or inward[0][1] % features:
        return None
    recurrent = (features, inward[0][1])
    if shapes.count(recurrent) != 1:
        return None
    return shapes.index(inward[0]), shapes.index(recurrent)
