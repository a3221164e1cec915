"""The loop that decodes with any function ``step(carry, token) -> (carry, logits)``.

A hypothesis is the beginning of a sequence. At every step the model scores the next
token of each hypothesis, the rules forbid some tokens, and a strategy chooses which
hypotheses are continued, and with which tokens: drawn at random, or the best of all.
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
    """N sequences for each of B rows, with their scores."""

    tokens: Array  # [B, N, length] integers, `eos_id` from the end on
    lengths: Array  # [B, N], with `eos_id`
    log_probs: Array  # [B, N], the model's own log P of the tokens, in nats
    ended: Array  # [B, N] bool, False where the sequence was cut off at `length`


class Choice(NamedTuple):
    """The continued hypotheses, in terms of those before."""

    parents: Array | None  # [B, N], which hypothesis each continues; its own if None
    tokens: Array  # [B, N], the token that each is continued with
    log_probs: Array  # [B, N], of the whole hypothesis, that token included


class Strategy(Protocol):
    """How the next tokens are chosen; see `Sampling` and `Beam`."""

    @property
    def width(self) -> int:
        """The number N of hypotheses in each row."""
        ...

    def begin(self, rows: int) -> Array:
        """Returns log P [B, N] of N empty hypotheses, -inf for one that is not used."""
        ...

    def choose(
        self, key: Array, log_probs: Array, allowed: Array, before: Hypotheses
    ) -> Choice:
        """Chooses continuations.

        Args:
          key: of random choices.
          log_probs: log P of every next token, [B, N, V].
          allowed: which of the tokens may be chosen, bool [B, N, V].
          before: the hypotheses to continue.
        """
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
      step: a function from (carry, tokens [R]) to (carry, logits [R, V]), for any
        number of rows R.
      carry: the state before the first token; leaves [B, ...]. What every step of a row
        reads, such as the states of an encoder, belongs in it too.
      first: the token that the first step reads, integers [B].
      strategy: `Sampling` or `Beam`.
      length: the most tokens of a sequence, those of the prefix included.
      eos_id: the token that ends a sequence; one that never occurs, such as -1, makes
        every sequence `length` tokens long.
      rules: what no sequence may hold.
      prefix: tokens [B, P] that each sequence begins with, and how many of them are
        real in each row, [B].
      key: of random choices; the same key gives the same sequences.

    Returns:
      The hypotheses of each row, in the strategy's order.

    Raises:
      ValueError: `length` is below 1, or the prefix is longer.

    Example:
      >>> from seqjax.decode import Sampling
      >>> def step(carry, token):  # P(y⟨t⟩ = y⟨t−1⟩ + 1) is almost 1
      ...     return carry, 9.0 * jax.nn.one_hot(token + 1, 5)
      >>> count = generate(
      ...     step, (), jnp.array([0]), Sampling(temperature=0), length=6, eos_id=4
      ... )
      >>> count.tokens.tolist(), count.lengths.tolist()
      ([[[1, 2, 3, 4, 4, 4]]], [[4]])
    """
    _check_lengths(length, prefix)
    rows, width = first.shape[0], strategy.width
    key = jax.random.key(0) if key is None else key

    def repeat(a):
        return jnp.repeat(a, width, axis=0)

    def is_unfinished(state):
        t, _, _, hypotheses = state
        return (t < length) & ~jnp.all(hypotheses.ended)

    def body(state):
        # the carry has a row for each hypothesis, B * N, as the step knows no N
        t, carry, last, before = state
        carry, logits = step(carry, last)
        log_probs = jax.nn.log_softmax(logits).reshape(rows, width, -1)
        allowed = rules.allowed(before.tokens, t, eos_id, log_probs.shape[-1])
        allowed = _force_prefix(prefix, t, allowed)
        log_probs, allowed = _pad_ended(before.ended, eos_id, log_probs, allowed)
        at = jax.random.fold_in(key, t)
        choice = strategy.choose(at, log_probs, allowed, before)
        carry, parents = _take_parents(choice.parents, carry, before)
        after = _append(parents, choice, t, eos_id)
        return t + 1, carry, choice.tokens.reshape(-1), after

    empty = Hypotheses(
        tokens=jnp.full((rows, width, length), eos_id, first.dtype),
        lengths=jnp.zeros((rows, width), int),
        log_probs=strategy.begin(rows),
        ended=jnp.zeros((rows, width), bool),
    )
    begin = 0, jax.tree.map(repeat, carry), repeat(first), empty
    return lax.while_loop(is_unfinished, body, begin)[-1]


def _check_lengths(length: int, prefix: tuple[Array, Array] | None) -> None:
    if length < 1:
        raise ValueError(f"length must be at least 1, not {length}")
    longest = 0 if prefix is None else prefix[0].shape[1]
    if longest > length:
        raise ValueError(
            f"length counts the tokens of the prefix, so that it must be at least "
            f"{longest}, not {length}"
        )


def _force_prefix(prefix, t: Array, allowed: Array) -> Array:
    """Allows only the prefix's token at the steps of the prefix."""
    if prefix is None or not prefix[0].shape[1]:
        return allowed
    tokens, lengths = prefix
    at = jnp.take(tokens, t, axis=1, mode="clip")
    forced = jax.nn.one_hot(at, allowed.shape[-1], dtype=bool)
    return jnp.where((t < lengths)[:, None, None], forced[:, None], allowed)


def _pad_ended(ended: Array, eos_id: int, log_probs: Array, allowed: Array):
    """Continues hypotheses that have ended with `eos_id` alone, whose log P is 0."""
    only_eos = jnp.arange(allowed.shape[-1]) == eos_id
    ended = ended[..., None]
    return jnp.where(ended, 0, log_probs), jnp.where(ended, only_eos, allowed)


def _take_parents(parents: Array | None, carry: Carry, before: Hypotheses):
    """Puts the carry and the hypothesis of its parent in the place of each."""
    if parents is None:
        return carry, before
    rows, width = parents.shape
    rows_of_carry = (parents + width * jnp.arange(rows)[:, None]).reshape(-1)

    def take(a):
        return jnp.take(a, rows_of_carry, axis=0)

    def take_hypotheses(a):
        return take(a.reshape(-1, *a.shape[2:])).reshape(a.shape)

    return jax.tree.map(take, carry), jax.tree.map(take_hypotheses, before)


def _append(parents: Hypotheses, choice: Choice, t: Array, eos_id: int) -> Hypotheses:
    return Hypotheses(
        tokens=parents.tokens.at[:, :, t].set(choice.tokens),
        lengths=parents.lengths + ~parents.ended,
        log_probs=choice.log_probs,
        ended=parents.ended | (choice.tokens == eos_id),
    )
