"""How one step stretches and turns its state: eigenvalues of its Jacobian."""

import jax
import numpy as np

from seqjax.inspect.states import state_map
from seqjax.layer import Array, Carry, Layer, Params


def jacobian_eigenvalues(
    layer: Layer, params: Params, x: Array, carry: Carry | None = None
) -> np.ndarray:
    """Returns the eigenvalues of one step's Jacobian, ∂F(s, x)/∂s.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      x: the input of the step, [in].
      carry: s as a carry, leaves [...]; None for `initial_carry_from`.

    Returns:
      Complex [n], the largest modulus first.
    """
    return sorted_eigenvalues(np.asarray(_jacobian(layer, params, x, carry)))


def sorted_eigenvalues(matrices: np.ndarray) -> np.ndarray:
    """Returns the eigenvalues of matrices [..., n, n], the largest modulus first."""
    values = np.linalg.eigvals(matrices).astype(complex)
    order = np.argsort(-np.abs(values), axis=-1, kind="stable")
    return np.take_along_axis(values, order, axis=-1)


@jax.jit
def _jacobian(layer: Layer, params: Params, x: Array, carry: Carry | None) -> Array:
    flat = state_map(layer, params, x, carry)
    return jax.jacfwd(flat.step)(flat.initial, x)
