"""Rules about what a decoded sequence may hold."""

import dataclasses

import jax
import jax.numpy as jnp

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Rules:
    """Forbids tokens; those that are left keep their proportions.

    Where no token is left, the sequence ends.

    Attributes:
      forbidden: tokens that never occur, such as `<UNK>`. The distribution of the
        others is the one that redrawing until one of them comes up would have.
      min_length: how many tokens a sequence has before `eos_id`, at least.
      no_repeat_ngram: n, if no n tokens in a row may occur twice in a sequence (Paulus
        et al., 2017); 0 if they may.

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
        """Returns which tokens may come next.

        Args:
          tokens: [*batch, length], of which the first `t` are real.
          t: the number of tokens so far, [].
          eos_id: the token that ends a sequence.
          vocabulary: the number of tokens V.

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
        """Returns which tokens would repeat an n-gram: bool [*batch, V].

        Of all n-grams of the padded sequence, those matter that lie within the first t
        tokens and begin with the last n − 1 of these; their last tokens are marked.
        """
        n, length = self.no_repeat_ngram, tokens.shape[-1]
        starts = jnp.arange(length - n + 1)
        ngrams = tokens[..., starts[:, None] + jnp.arange(n)]  # [*batch, starts, n]
        recent = jnp.take(tokens, t - n + 1 + jnp.arange(n - 1), axis=-1, mode="clip")
        matches = jnp.all(ngrams[..., :-1] == recent[..., None, :], axis=-1)
        matches &= (starts + n <= t) & (t >= n - 1)
        ends = jax.nn.one_hot(ngrams[..., -1], vocabulary, dtype=bool)
        return jnp.any(ends & matches[..., None], axis=-2)


NO_RULES = Rules()
