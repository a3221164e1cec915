"""The probability of given sequences, and the tokens that are likeliest after them."""

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
    """Returns log P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩) of each token: equation E8.

    Args:
      step: a function from (carry, tokens [B]) to (carry, logits [B, V]).
      carry: the state before the first token; leaves [B, ...].
      first: the token that the first step reads, integers [B].
      tokens: the sequences, [B, T].
      lengths: how many tokens of each row are real, [B].

    Returns:
      [B, T], in nats, zero from a row's length on; the sum of a row is its log P.
    """

    def body(state, token):
        carry, last = state
        carry, logits = step(carry, last)
        log_p = jnp.take_along_axis(jax.nn.log_softmax(logits), token[:, None], -1)
        return (carry, token), log_p[:, 0]

    valid = from_lengths(lengths, tokens.shape[1])
    targets = jnp.where(valid, tokens.T, 0).astype(first.dtype)
    _, log_p = lax.scan(body, (carry, first), targets)
    return jnp.where(valid, log_p, 0).T


def rank(
    step: Step, carry: Carry, first: Array, tokens: Array, lengths: Array, k: int
) -> Ranked:
    """Returns the k likeliest tokens after given ones.

    Args:
      step: as in `log_probs`.
      carry: as in `log_probs`.
      first: as in `log_probs`.
      tokens: the beginnings of sequences, [B, T]; T may be 0.
      lengths: how many tokens of each row are real, [B].
      k: how many tokens to return.
    """
    inputs = jnp.concatenate([first[:, None], tokens.astype(first.dtype)], axis=1)
    is_last = jnp.arange(inputs.shape[1]) == lengths[:, None]

    def body(state, x):
        carry, kept = state
        token, is_last = x
        carry, logits = step(carry, token)
        return (carry, jnp.where(is_last[:, None], logits, kept)), None

    shape = jax.eval_shape(step, carry, first)[1]
    state = carry, jnp.zeros(shape.shape, shape.dtype)
    (_, logits), _ = lax.scan(body, state, (inputs.T, is_last.T))
    best, places = lax.top_k(jax.nn.log_softmax(logits), k)
    return Ranked(places, best)
