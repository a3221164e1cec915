"""The echo state network's reservoir in which each unit reads few others. E20.

    h⟨t⟩ = (1 − α) h⟨t−1⟩ + α tanh(W_x x⟨t⟩ + W_h h⟨t−1⟩ + b)
    v_j  = Σ_k w_kj h_{s(k,j)}⟨t−1⟩, the row j of W_h h⟨t−1⟩

Jaeger (2001) takes a sparse W_h. Here only what is not zero is kept and multiplied: the
weights w, while s, which unit reads which, is a function of the hyper-parameters. It
pays where the whole matrix would be read in every step for a few rows of states.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.cells.echo_state import EchoState, EchoStateParams
from seqjax.initializers import scale_to_spectral_radius


@dataclasses.dataclass(frozen=True)
class SparseEchoState(EchoState):
    """The reservoir of `EchoState`, of whose W_h only what is not zero is kept.

    `w_h` is [K, H], with K = density · H, at least 1: row k is what each unit takes of
    the k-th that it reads, one of `sources`. `as_dense` writes it out.

    Attributes:
      wiring: the seed of which unit reads which; each reads K different ones.
    """

    wiring: int = 0

    @property
    def sources(self) -> np.ndarray:
        """Which units each unit reads: integers [K, H]."""
        return _wired(self.features, self.density, self.wiring)

    def _recurrent(self, key, dtype):
        wide = jnp.promote_types(dtype, jnp.float32)
        drawn = jax.random.uniform(key, self.sources.shape, wide, -1.0, 1.0)
        w = scale_to_spectral_radius(self._dense(drawn), self.spectral_radius)
        return jnp.take_along_axis(w, self.sources, axis=0).astype(dtype)

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩."""
        read = jnp.take(carry.h, self.sources, axis=-1, mode="clip")  # [..., K, H]
        return jnp.sum(read * params.w_h, axis=-2)

    @property
    def dense(self) -> EchoState:
        """The reservoir that reads `as_dense`."""
        fields = dataclasses.fields(EchoState)
        return EchoState(**{f.name: getattr(self, f.name) for f in fields})

    def as_dense(self, params: EchoStateParams) -> EchoStateParams:
        """Returns the parameters with which `dense` does the same."""
        return params._replace(w_h=self._dense(params.w_h))

    def _dense(self, w_h: jax.Array) -> jax.Array:
        H = self.features
        return jnp.zeros((H, H), w_h.dtype).at[self.sources, np.arange(H)].set(w_h)


@functools.cache
def _wired(features: int, density: float, seed: int) -> np.ndarray:
    rng, most = np.random.default_rng(seed), max(round(density * features), 1)
    read = [rng.choice(features, most, replace=False) for _ in range(features)]
    return np.stack(read, axis=1)
