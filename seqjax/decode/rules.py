"""Rules: what a generated sequence may not hold."""

import dataclasses

import jax
import jax.numpy as jnp

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Rules:
    """Strikes out tokens; what is left keeps its proportions.

    Where nothing would be left, the sequence ends.

    Attributes:
      forbidden: tokens that never occur, such as `<UNK>`: the distribution is the one
        that redrawing until another token comes up would have.
      min_length: the least tokens before `eos_id`.
      no_repeat_ngram: no run of so many tokens occurs twice (Paulus et al., 2017); 0 for no
        such rule.

    Raises:
      ValueError: a number is negative.
    """

    forbidden: tuple[int, ...] = ()
    min_length: int = 0
    no_repeat_ngram: int = 0

    def __post_init__(self):
        for name in ("min_length", "no_repeat_ngram"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more: {getattr(self, name)}")

    def allowed(self, tokens: Array, t: Array, eos_id: int, vocabulary: int) -> Array:
        """Which tokens may come next.

        Args:
          tokens: [*batch, length], of which those before `t` count.
          t: [], how many tokens there are.
          eos_id: the token that ends a sequence.
          vocabulary: V.

        Returns:
          bool [*batch, V].
        """
        every = jnp.arange(vocabulary)
        allowed = ~jnp.isin(every, jnp.array(self.forbidden, every.dtype))
        allowed &= (every != eos_id) | (t >= self.min_length)
        allowed = jnp.broadcast_to(allowed, (*tokens.shape[:-1], vocabulary))
        if 0 < self.no_repeat_ngram <= tokens.shape[-1]:
            allowed &= ~self._repeats(tokens, t, vocabulary)
        nothing = ~jnp.any(allowed, axis=-1, keepdims=True)
        return allowed | nothing & (every == eos_id)

    def _repeats(self, tokens: Array, t: Array, vocabulary: int) -> Array:
        """The tokens that would end a run that has occurred; bool [*batch, V]."""
        n, length = self.no_repeat_ngram, tokens.shape[-1]
        places = jnp.arange(length - n + 1)
        runs = tokens[..., places[:, None] + jnp.arange(n)]  # [*batch, places, n]
        recent = jnp.take(tokens, t - n + 1 + jnp.arange(n - 1), axis=-1, mode="clip")
        same = jnp.all(runs[..., :-1] == recent[..., None, :], axis=-1)
        same &= (places + n <= t) & (t >= n - 1)
        ends = jax.nn.one_hot(runs[..., -1], vocabulary, dtype=bool)
        return jnp.any(ends & same[..., None], axis=-2)


NO_RULES = Rules()
