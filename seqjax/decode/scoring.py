"""What a model makes of given sequences: their probability, and what may follow."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.decode.generation import Carry, Step
from seqjax.masks import from_lengths

Array = jax.Array


class Ranked(NamedTuple):
    """The likeliest tokens, best first."""

    tokens: Array  # [B, k]
    log_probs: Array  # [B, k]


def log_probs(
    step: Step, carry: Carry, first: Array, tokens: Array, lengths: Array
) -> Array:
    """log P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩) of each token; a row's sum is its log P. E8.

    Args:
      step: (carry, tokens [B]) to (carry, logits [B, V]).
      carry: the state before the first token.
      first: what is fed first, integers [B].
      tokens: the sequences, [B, T].
      lengths: how many tokens of each count, [B].

    Returns:
      [B, T], in nats, zero from a row's length on.
    """

    def body(state, token):
        carry, last = state
        carry, logits = step(carry, last)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), token[:, None], -1)
        return (carry, token), chosen[:, 0]

    valid = from_lengths(lengths, tokens.shape[1])
    given = jnp.where(valid, tokens.T, 0).astype(first.dtype)
    _, each = lax.scan(body, (carry, first), given)
    return jnp.where(valid, each, 0).T


def rank(
    step: Step, carry: Carry, first: Array, tokens: Array, lengths: Array, k: int
) -> Ranked:
    """The k likeliest tokens after given beginnings.

    Args:
      step: as in `log_probs`.
      carry: as there.
      first: as there.
      tokens: the beginnings, [B, T]; T may be 0.
      lengths: how many tokens of each count, [B].
      k: how many to rank.
    """
    fed = jnp.concatenate([first[:, None], tokens.astype(first.dtype)], axis=1)
    at_end = jnp.arange(fed.shape[1]) == lengths[:, None]

    def body(state, at):
        carry, found = state
        token, ends = at
        carry, logits = step(carry, token)
        return (carry, jnp.where(ends[:, None], logits, found)), None

    shape = jax.eval_shape(step, carry, first)[1]
    state = carry, jnp.zeros(shape.shape, shape.dtype)
    (_, logits), _ = lax.scan(body, state, (fed.T, at_end.T))
    best, places = lax.top_k(jax.nn.log_softmax(logits), k)
    return Ranked(places, best)
