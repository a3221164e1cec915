"""Sampling as the course describes it: draw ŷ⟨t⟩, feed it back as x⟨t+1⟩."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


class Samples(NamedTuple):
    """Drawn sequences."""

    tokens: Array  # [B, length] integers, `stop` from the end on
    lengths: Array  # [B], `stop` counted
    log_probs: Array  # [B], in nats, at the temperature they were drawn with


def sample(
    step: Callable[[Any, Array], tuple[Any, Array]],
    carry: Any,
    first: Array,
    key: Array,
    *,
    length: int,
    stop: int,
    temperature: float = 1.0,
    forbidden: Sequence[int] = (),
) -> Samples:
    """Draws B sequences at once; call it under `jax.jit`.

    Args:
      step: (carry, tokens [B]) to (carry, logits [B, V]).
      carry: the state before the first token.
      first: what is fed first, integers [B].
      key: a random key; the same key draws the same sequences.
      length: the most tokens to draw.
      stop: the token that ends a sequence.
      temperature: divides the logits; 0 takes the likeliest token.
      forbidden: tokens never drawn. Their logits are masked, which is the
        distribution that redrawing until another comes up would have.

    Returns:
      The samples.
    """

    def body(state, key):
        carry, token, ended = state
        carry, logits = step(carry, token)
        logits = logits.at[..., jnp.array(forbidden, int)].set(-jnp.inf)
        token, log_prob = _draw(key, logits, temperature)
        token = jnp.where(ended, stop, token)
        return (carry, token, ended | (token == stop)), (token, ended, log_prob)

    state = (carry, first, jnp.zeros(first.shape, bool))
    _, (tokens, ended, log_probs) = lax.scan(body, state, jax.random.split(key, length))
    return Samples(
        tokens.T, jnp.sum(~ended, axis=0), jnp.sum(jnp.where(ended, 0, log_probs), 0)
    )


def _draw(key: Array, logits: Array, temperature: float) -> tuple[Array, Array]:
    likeliest = jnp.argmax(logits, axis=-1)
    scaled = logits / jnp.where(temperature > 0, temperature, 1)
    token = jnp.where(
        temperature > 0, jax.random.categorical(key, scaled), likeliest
    ).astype(likeliest.dtype)
    log_probs = jnp.take_along_axis(jax.nn.log_softmax(scaled), token[:, None], -1)
    return token, jnp.where(temperature > 0, log_probs[:, 0], 0)
