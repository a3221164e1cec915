"""What a language model holds, expects and looks back to while it reads a text."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.vocabulary import EOS
from seqjax.inspect.connectivity import connectivity
from seqjax.inspect.trace import trace
from seqjax.inspect.units import quantities
from seqjax.layer import Array
from seqjax.predict import LanguagePredictor


class Reading(NamedTuple):
    """A text of T tokens as a model reads it, from the beginning."""

    tokens: list[str]  # T of them; a line break is an <EOS>
    log_p: np.ndarray  # [T], of each token given those before it, in nats
    likeliest: list[list[tuple[str, float]]]  # T times the best guesses, P of each
    connectivity: np.ndarray  # [T, T], see `read_text`
    quantities: dict[str, np.ndarray]  # [T, units] each, after each token is read


class _Read(NamedTuple):
    log_p: Array  # [T]
    best: tuple[Array, Array]  # log P and integers, [T, k]
    connectivity: Array  # [T, T]
    quantities: dict[str, Array]  # [T, units]


def read_text(predictor: LanguagePredictor, text: str, guesses: int = 3) -> Reading:
    """Reads a text with a trained language model, and keeps all that it computes.

    Args:
      predictor: the trained model.
      text: of one token or more.
      guesses: how many of the likeliest tokens to keep at each place.

    Returns:
      The reading. Its connectivity at [t, s] is ‖∂ log P(token t) / ∂x⟨s⟩‖, in nats
      per unit of length of the embedding x⟨s⟩ of the token that is read at step s:
      what stands before the text at s = 0, and token s − 1 from s = 1 on. It is zero
      for s > t. Its quantities are those of `quantities`.

    Raises:
      ValueError: the text has no token, or a line break that the model cannot read.
    """
    lines = text.split("\n")
    if len(lines) > 1 and not predictor.stream:
        raise ValueError("this model reads one line; the text has a line break")
    tokenize = predictor.tokenizer.tokenize
    tokens = [t for line in lines for t in (EOS, *tokenize(line))][1:]
    if not tokens:
        raise ValueError("there is no text to read")
    known = predictor.tokenizer.tokens
    ids = predictor.tokenizer.vocabulary.encode(tokens, eos=False)
    k = min(guesses, len(known))
    arguments = predictor.variables, jnp.asarray(ids), predictor.first
    seen = jax.device_get(_read(predictor.model, k, *arguments))
    pairs = zip(*(part.tolist() for part in seen.best), strict=True)
    likeliest = [
        [(known[i], float(np.exp(p))) for p, i in zip(*pair, strict=True)]
        for pair in pairs
    ]
    states_first = sorted(seen.quantities, key=lambda name: "gate " in name)
    held = {name: seen.quantities[name] for name in states_first}
    return Reading(tokens, seen.log_p, likeliest, seen.connectivity, held)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _read(model: Any, k: int, variables: Any, ids: Array, first: Any) -> _Read:
    params = variables["params"]["recurrent"]["layer"]
    read = jnp.concatenate([jnp.array([first]), ids])
    xs = model.apply(variables, read, method="embed")

    def log_probs(ys):  # [T, V]
        return jax.nn.log_softmax(model.apply(variables, ys, method="read"))

    def score(ys):  # [T]
        return jnp.take_along_axis(log_probs(ys), ids[:, None], axis=1)[:, 0]

    seen = trace(model.layer, params, xs)
    held = {name: a[1:] for name, a in quantities(seen).items()}
    before = seen.outputs[:-1]
    norms = connectivity(model.layer, params, xs[:-1], score)
    return _Read(score(before), jax.lax.top_k(log_probs(before), k), norms, held)
