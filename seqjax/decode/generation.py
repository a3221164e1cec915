"""One loop from any ``step(carry, token) -> (carry, logits)`` to sequences.

A hypothesis is a sequence so far. In every step the model scores each hypothesis'
next token, rules strike tokens out, and a strategy says which hypotheses go on, and by
which tokens: drawn at random, or the best of all.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.decode.rules import NO_RULES, Rules

Array = jax.Array
Carry = Any
Step = Callable[[Carry, Array], tuple[Carry, Array]]


class Hypotheses(NamedTuple):
    """N sequences for each of B rows, and what a decoder returns of them."""

    tokens: Array  # [B, N, length] integers, `eos_id` from the end on
    lengths: Array  # [B, N], `eos_id` counted
    log_probs: Array  # [B, N], log P of the tokens by the model itself, in nats
    ended: Array  # [B, N] bool, False where `length` cut it off


class Choice(NamedTuple):
    """Which hypotheses go on, and how."""

    parents: Array | None  # [B, N], whose continuation each is; its own if None
    tokens: Array  # [B, N]
    log_probs: Array  # [B, N], of the token after what was there before it


class Strategy(Protocol):
    """How to choose; see `Sampling` and `Beam`."""

    @property
    def width(self) -> int:
        """N, hypotheses a row."""
        ...

    def begin(self, rows: int) -> Array:
        """log P [B, N] of N empty hypotheses; -inf where there is none."""
        ...

    def choose(
        self, key: Array, log_probs: Array, allowed: Array, before: Hypotheses
    ) -> Choice:
        """Chooses from log P of every next token [B, N, V], where allowed."""
        ...


def generate(
    step: Step,
    carry: Carry,
    first: Array,
    strategy: Strategy,
    *,
    length: int,
    eos_id: int,
    rules: Rules = NO_RULES,
    prefix: tuple[Array, Array] | None = None,
    key: Array | None = None,
) -> Hypotheses:
    """Decodes B rows at once; call it under `jax.jit`.

    Args:
      step: (carry, tokens [R]) to (carry, logits [R, V]), for any number of rows R.
      carry: the state before the first token; leaves [B, ...]. What a row's every
        step reads (an encoder's states) belongs in it too.
      first: what is fed first, integers [B].
      strategy: `Sampling` or `Beam`.
      length: the most tokens of a sequence.
      eos_id: the token that ends one.
      rules: what no sequence may hold.
      prefix: tokens [B, P] that each sequence begins with, and how many of them count
        in each row [B].
      key: of random choices; the same key gives the same sequences.

    Returns:
      The hypotheses of each row, in the strategy's order.
    """
    rows, width = first.shape[0], strategy.width
    key = jax.random.key(0) if key is None else key

    def repeated(a):
        return jnp.repeat(a, width, axis=0)

    def going_on(state):
        t, _, _, found = state
        return (t < length) & ~jnp.all(found.ended)

    def body(state):
        t, carry, last, found = state
        carry, logits = step(carry, last)
        log_probs = jax.nn.log_softmax(logits).reshape(rows, width, -1)
        allowed = rules.allowed(found.tokens, t, eos_id, log_probs.shape[-1])
        allowed = _following(prefix, t, allowed)
        log_probs, allowed = _resting(found.ended, eos_id, log_probs, allowed)
        at = jax.random.fold_in(key, t)
        choice = strategy.choose(at, log_probs, allowed, found)
        carry, found = _reordered(choice.parents, carry, found)
        found = _appended(found, choice, t, eos_id)
        return t + 1, carry, choice.tokens.reshape(-1), found

    empty = Hypotheses(
        tokens=jnp.full((rows, width, length), eos_id, first.dtype),
        lengths=jnp.zeros((rows, width), int),
        log_probs=strategy.begin(rows),
        ended=jnp.zeros((rows, width), bool),
    )
    begin = 0, jax.tree.map(repeated, carry), repeated(first), empty
    return lax.while_loop(going_on, body, begin)[-1]


def _following(prefix, t: Array, allowed: Array) -> Array:
    """Allows the prefix' token alone, while there is one."""
    if prefix is None or not prefix[0].shape[1]:
        return allowed
    tokens, lengths = prefix
    at = jnp.take(tokens, t, axis=1, mode="clip")
    forced = jax.nn.one_hot(at, allowed.shape[-1], dtype=bool)
    return jnp.where((t < lengths)[:, None, None], forced[:, None], allowed)


def _resting(ended: Array, eos_id: int, log_probs: Array, allowed: Array):
    """What has ended goes on by `eos_id`, at no cost."""
    only_eos = jnp.arange(allowed.shape[-1]) == eos_id
    ended = ended[..., None]
    return jnp.where(ended, 0, log_probs), jnp.where(ended, only_eos, allowed)


def _reordered(parents: Array | None, carry: Carry, found: Hypotheses):
    if parents is None:
        return carry, found
    rows, width = parents.shape
    whole = (parents + width * jnp.arange(rows)[:, None]).reshape(-1)

    def pick(a):
        return jnp.take(a, whole, axis=0)

    def pick_of_each(a):
        return pick(a.reshape(-1, *a.shape[2:])).reshape(a.shape)

    return jax.tree.map(pick, carry), jax.tree.map(pick_of_each, found)


def _appended(found: Hypotheses, choice: Choice, t: Array, eos_id: int) -> Hypotheses:
    return Hypotheses(
        tokens=found.tokens.at[:, :, t].set(choice.tokens),
        lengths=found.lengths + ~found.ended,
        log_probs=choice.log_probs,
        ended=found.ended | (choice.tokens == eos_id),
    )
