"""A clear error where forward mode meets a gradient that has reverse mode only.

JAX raises "can't apply forward-mode autodiff (jvp) to a custom_vjp function", which
names nothing that a caller wrote. Here a tangent passes through a primitive that can
be transposed, which is all that reverse mode does with it, and not be computed.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

FORWARD_MODE = (
    "the gradients 'lean' and 'remat' of unroll have reverse mode only: "
    "for jax.jvp, jax.jacfwd and jax.linearize use unroll(..., gradient='plain')"
)


def reverse_mode_only(tree: Any) -> Any:
    """Returns the tree as it is; to compute its tangent raises TypeError.

    Reverse mode leaves no trace in the compiled program.
    """
    # One array in two places (an LSTM's h⟨0⟩ and c⟨0⟩) stays one, for the loops to see.
    distinct = {id(a): a for a in jax.tree.leaves(tree)}
    marked = {key: _mark(a) for key, a in distinct.items()}
    return jax.tree.map(lambda a: marked[id(a)], tree)


def _mark(a: Any) -> Any:
    return _identity(a) if jnp.issubdtype(jnp.result_type(a), jnp.inexact) else a


@jax.custom_jvp
def _identity(a):
    return a


@_identity.defjvp
def _identity_jvp(primals, tangents):
    (a,), (d_a,) = primals, tangents
    return a, _tangent.bind(d_a)


def _raise(*_, **__):
    raise TypeError(FORWARD_MODE)


_tangent = Primitive("tangent_of_reverse_mode_only")
_tangent.def_abstract_eval(lambda aval: aval)
_tangent.def_impl(_raise)
mlir.register_lowering(_tangent, _raise)
ad.deflinear2(_tangent, lambda d, _: [d])
batching.defvectorized(_tangent)
