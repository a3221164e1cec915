"""Equal numbers at equal weights: PyTorch, Flax, Haiku, and the equations in NumPy.

Outputs, last carry, and the gradient of every parameter. The others' weights are
functions of ours, so their gradients arrive in our layout.
"""

import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import (
    CELL_LAYERS,
    IN,
    assert_close,
    jit,
    over,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)

from seqjax import Bidirectional, Layer, Stack
from seqjax.cells import (
    GRU,
    LSTM,
    Elman,
    GRUResetAfter,
    make,
)

torch = pytest.importorskip("torch")
