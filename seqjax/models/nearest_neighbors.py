"""A language model that looks up what followed where its state was like this one.

    P(v) = (1 − λ) P_model(v) + λ Σ_i softmax_i(−‖h − h_i‖² / τ) [y_i = v]

h is the state that the readout reads; h_i and y_i are the state and the token at each
place i of the training text: nearest neighbours (Khandelwal et al., 2020, equations 2
and 3, there the k nearest alone), the continuous cache of Grave, Joulin and Usunier
(2017) over the training text. A readout that is regularised enough for few data cannot
hold what is rare; the datastore holds it as it was, and needs no training.
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.layer import Array
from seqjax.losses import cross_entropy
from seqjax.metrics import Mean
from seqjax.models.language_model import LanguageModel
from seqjax.models.recurrent import mask_of


class NearestNeighborLanguageModel(LanguageModel):
    """A `LanguageModel` with a datastore of the states and tokens of a text.

    Its "params" are those of a trained `LanguageModel` with the same fields; `remember`
    makes one with its "datastore". What it returns as logits are log-probabilities.

    Attributes:
      places: how many states and tokens the datastore holds.
      neighbors: λ, the share of the probability that the datastore gives.
      temperature: τ, of squared distances: the larger it is, the more places count.
    """

    places: int = 1
    neighbors: float = 0.5
    temperature: float = 0.3

    def setup(self):
        """Builds the parts."""
        super().setup()
        shape = self.places, self.layer.features
        self.keys = self.variable("datastore", "keys", jnp.zeros, shape)
        self.tokens = self.variable("datastore", "tokens", jnp.zeros, shape[:1], int)

    def read(self, states: Array) -> Array:
        """Returns log P [..., V], that of the neighbours mixed in."""
        keys, tokens = self.keys.value, self.tokens.value
        # ‖h − h_i‖² but for ‖h‖², which is the same for every i.
        distances = jnp.sum(keys**2, axis=-1) - 2 * states @ keys.T
        nearness = jax.nn.softmax(-distances / self.temperature)
        looked_up = nearness @ jax.nn.one_hot(tokens, self.vocabulary)
        parts = jnp.log(looked_up), jax.nn.log_softmax(super().read(states))
        shares = np.log([self.neighbors, 1 - self.neighbors])
        return jnp.logaddexp(shares[0] + parts[0], shares[1] + parts[1])

    def _cross_entropy(self, states: Array, targets: Array, mask) -> Mean:
        logits, targets, mask = jax.tree.map(
            lambda a: a.swapaxes(0, 1), (self.read(states), targets, mask)
        )
        return cross_entropy(logits, targets, mask)


def remember(
    model: LanguageModel,
    variables: Any,
    batches: Iterable[tuple[Any, Any]],
    neighbors: float = 0.5,
    temperature: float = 0.3,
) -> tuple[NearestNeighborLanguageModel, Any]:
    """Adds a datastore of a text to a trained language model.

    Args:
      model: makes the states, [features] each.
      variables: of the model.
      batches: the text, tokens [B, T] and lengths [B] each.
      neighbors: λ, the share of the probability that the datastore gives, 0 < λ < 1.
      temperature: τ, above 0.

    Returns:
      The model with a datastore, and its variables.

    Raises:
      ValueError: a number is out of its range.
    """
    if not (0 < neighbors < 1 and temperature > 0):
        raise ValueError(
            f"neighbors must lie between 0 and 1, and temperature above 0, not "
            f"{neighbors} and {temperature}"
        )
    keys, tokens = [], []
    for rows, lengths in batches:
        mask = np.asarray(mask_of(lengths, rows.shape[1]))
        keys.append(np.asarray(_states(model, variables, rows, lengths))[mask])
        tokens.append(np.asarray(rows)[mask])
    datastore = {"keys": np.concatenate(keys), "tokens": np.concatenate(tokens)}
    names = {f.name for f in dataclasses.fields(model)} - {"parent", "name"}
    fields = {name: getattr(model, name) for name in names}
    return NearestNeighborLanguageModel(
        **fields,
        places=len(datastore["tokens"]),
        neighbors=neighbors,
        temperature=temperature,
    ), {"params": variables["params"], "datastore": jax.tree.map(jnp.array, datastore)}


@functools.partial(jax.jit, static_argnums=0)
def _states(model: LanguageModel, variables: Any, tokens: Any, lengths: Any) -> Any:
    return model.apply(variables, tokens, lengths, method="states")
