"""How long a tagger computes: a whole sentence at once, or each word as it comes."""

import functools
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.name_entity.data import Tagged
from seqjax.models import Words
from seqjax.predict import TagPredictor

LENGTHS = (4, 8, 16, 32)
REPEATS = 200


@functools.partial(jax.jit, static_argnums=0)
def whole(model: Any, variables: Any, words: Words, lengths: Any) -> jax.Array:
    """The logits of sentences, [B, T, labels]."""
    return model.apply(variables, words, lengths)


@functools.partial(jax.jit, static_argnums=0)
def step(model: Any, variables: Any, carry: Any, word: Words) -> tuple[Any, Any]:
    """Reads a word of each sentence, leaves [B, 1, ...]: the state, logits [B, labels].

    Raises:
      ValueError: a layer of the model reads backwards.
    """

    def body(model: Any, carry: Any, word: Words) -> tuple[Any, jax.Array]:
        carry, y = model.recurrent.step(carry, model.embed(word)[:, 0])
        return carry, model.readout(y)

    return model.apply(variables, carry, word, method=body)


def begin(model: Any, variables: Any, rows: int) -> Any:
    """The state before the first word of so many sentences."""
    return model.apply(variables, method=lambda m: m.recurrent.initial_carry(rows))


def stream(tagger: TagPredictor, words: Words) -> jax.Array:
    """The logits of a sentence, word by word as it comes: [T, labels].

    Args:
      tagger: whose layer reads ahead alone.
      words: of one sentence, leaves [T, ...].
    """
    carry, logits = begin(tagger.model, tagger.variables, 1), []
    for t in range(len(words.word)):
        word = Words(*(leaf[None, t : t + 1] for leaf in words))
        carry, out = step(tagger.model, tagger.variables, carry, word)
        logits.append(out[0])
    return jnp.stack(logits)


def measure(
    both: TagPredictor, one: TagPredictor, sentences: Sequence[Tagged]
) -> dict[str, Any]:
    """Milliseconds of computing, medians, with one sentence at a time.

    Args:
      both: needs the whole sentence.
      one: takes words one by one.
      sentences: whose words are read, over and over for the longer lengths.

    Returns:
      "by_length": of a whole sentence; "step": of a word; "words": the median length of
      a sentence, and "typical": of a whole sentence of that length.
    """
    lengths = [len(s.words) for s in sentences]
    typical = int(statistics.median(lengths))
    text = [word for s in sentences for word in s.words]
    text = text * (max(*LENGTHS, typical) // len(text) + 1)

    def sentence(length: int) -> Callable[[], Any]:
        words = both.lexicon.encode(text[:length])
        batch = Words(*(np.asarray(leaf)[None] for leaf in words))
        args = both.model, both.variables, batch, np.array([length])
        return lambda: whole(*args)

    word = Words(*(np.asarray(leaf)[None] for leaf in one.lexicon.encode(text[:1])))
    carry = begin(one.model, one.variables, 1)
    calls = {str(length): sentence(length) for length in LENGTHS}
    calls |= {
        "step": lambda: step(one.model, one.variables, carry, word),
        "typical": sentence(typical),
    }
    times = milliseconds(calls)
    own = {name: times.pop(name) for name in ("step", "typical")}
    return {"by_length": times, "words": typical, **own}


def milliseconds(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """The median time of each call, compiled; they take turns, round after round."""
    for call in calls.values():
        jax.block_until_ready(call())
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, call in calls.items():
            began = time.perf_counter()
            jax.block_until_ready(call())
            times[name].append(1e3 * (time.perf_counter() - began))
    return {name: statistics.median(each) for name, each in times.items()}
