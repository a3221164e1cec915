"""The character model, and its states along a text."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.units.data import as_text, inside_quotes
from seqjax.data import Source, Tokenizer
from seqjax.inspect import quantities, trace
from seqjax.layer import Layer
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor

EMBEDDING = 32
MOST = 60_000  # characters whose states are kept


def make_reader(layer: Layer, source: Source, gradient: Any) -> LanguagePredictor:
    """A model of running text, of characters."""
    tokenizer = Tokenizer.build(source.examples.train, "chars")
    size = len(tokenizer.tokens)
    model = LanguageModel(layer, size, embedding=EMBEDDING, gradient=gradient)
    return LanguagePredictor(model, tokenizer, stream=True)


def quote_states(
    reader: LanguagePredictor, lines: list[np.ndarray]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What a model holds along a text, and where that is inside quotes.

    Args:
      reader: the model.
      lines: encoded, an <EOS> at the end of each.

    Returns:
      Its states by name, [N, units], after each character; and bool [N].
    """
    ids = np.concatenate(lines)[:MOST]
    read = np.concatenate([[reader.first], ids])
    values = _states(reader.model, reader.variables, jnp.asarray(read))
    tokens = [reader.tokenizer.tokens[i] for i in ids]
    held = {n: np.asarray(a)[1:] for n, a in values.items() if "state " in n}
    return held, inside_quotes(as_text(tokens))


@functools.partial(jax.jit, static_argnums=0)
def _states(model: LanguageModel, variables: Any, read: jax.Array) -> Any:
    xs = model.apply(variables, read, method="embed")
    params = variables["params"]["recurrent"]["layer"]
    return quantities(trace(model.layer, params, xs))
