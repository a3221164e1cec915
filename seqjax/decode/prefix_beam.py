"""Prefix beam search: the likeliest labels of a CTC model, and a language model.

A CTC model says P(class) at each step whatever was written, so what is searched are
labels, each the sum over all its alignments, and not tokens fed back as in `generate`.
With y a prefix of labels, and P_b, P_n the probability of its alignments that end in a
blank and in its last label (Graves, 2012, section 7.5.3; Hannun et al., 2014, alg. 1),

P_b(y; t) = p⟨t⟩[blank] (P_b(y; t−1) + P_n(y; t−1))
P_n(y; t) = p⟨t⟩[y_last] P_n(y; t−1) + p⟨t⟩[y_last] P(y without its last; t−1)

where after an equal label the last term has P_b in place of P = P_b + P_n. Prefixes are
compared by log P + α log P_LM(y) + β |y|.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.masks import select

Array = jax.Array
Carry = Any


class Guide(NamedTuple):
    """A language model over the labels."""

    step: Callable[[Carry, Array], tuple[Carry, Array]]  # (carry, [R]) to log P [R, K]
    carry: Carry  # before the first label; leaves [B, ...]
    first: Array  # log P of the first label, [B, K]
    end: int | None = None  # the class whose log P is that of the end


class Prefixes(NamedTuple):
    """W prefixes for each of B rows; more steps may follow."""

    labels: Array  # [B, W, L] integers, the blank from the end on
    lengths: Array  # [B, W]
    log_blank: Array  # [B, W], log P_b
    log_label: Array  # [B, W], log P_n
    language: Array  # [B, W], log P_LM of the labels
    carry: Carry  # of the guide; leaves [B · W, ...]
    following: Array  # [B, W, K], the guide's log P of the next label

    @property
    def acoustic(self) -> Array:
        """log P of the labels by the sound alone, [B, W]."""
        return jnp.logaddexp(self.log_blank, self.log_label)


@dataclasses.dataclass(frozen=True)
class PrefixBeam:
    """Prefix beam search, for whole sequences or piece by piece.

    With a beam as wide as the number of all labellings, and no language model, it is
    exact.

    Attributes:
      width: W, the prefixes that are kept.
      blank: the class that stands for no label.
      weight: α, of the language model.
      bonus: β, for each label, which makes up for what the language model takes.
    """

    width: int = 16
    blank: int = 0
    weight: float = 0.0
    bonus: float = 0.0

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width must be at least 1: {self.width}")

    def search(
        self, log_probs: Array, mask: Array | None = None, guide: Guide | None = None
    ) -> Prefixes:
        """Searches whole sequences: `begin`, `advance` and `finish`.

        Args:
          log_probs: log P of each class at each step, [T, B, K].
          mask: bool [T, B], True where valid.
          guide: a language model.

        Returns:
          The prefixes, the best first; those that were never reached have log P −∞.
        """
        time, rows, classes = log_probs.shape
        prefixes = self.begin(rows, time, classes, guide)
        return self.finish(self.advance(prefixes, log_probs, mask, guide), guide)

    def begin(
        self, rows: int, length: int, classes: int, guide: Guide | None = None
    ) -> Prefixes:
        """Returns one empty prefix for each row.

        Args:
          rows: B.
          length: the most labels of a row, L.
          classes: K, the blank included.
          guide: a language model.
        """
        shape = rows, self.width
        none = jnp.full(shape, -jnp.inf)
        no_guide = (), jnp.zeros((rows, classes))
        carry, first = no_guide if guide is None else (guide.carry, guide.first)
        return Prefixes(
            labels=jnp.full((*shape, length), self.blank),
            lengths=jnp.zeros(shape, int),
            log_blank=none.at[:, 0].set(0),
            log_label=none,
            language=jnp.zeros(shape),
            carry=jax.tree.map(lambda a: jnp.repeat(a, self.width, axis=0), carry),
            following=jnp.repeat(first[:, None], self.width, axis=1),
        )

    def advance(
        self,
        prefixes: Prefixes,
        log_probs: Array,
        mask: Array | None = None,
        guide: Guide | None = None,
    ) -> Prefixes:
        """Reads more steps; the arguments are those of `search`."""
        valid = jnp.ones(log_probs.shape[:2], bool) if mask is None else mask

        def body(before, step):
            log_p, valid = step
            after = self._step(before, jnp.where(valid[:, None], log_p, 0), guide)
            by_prefix = jnp.repeat(valid, self.width)
            carry = select(by_prefix, after.carry, before.carry)
            after = select(valid, after._replace(carry=()), before._replace(carry=()))
            return after._replace(carry=carry), None

        return lax.scan(body, prefixes, (log_probs, valid))[0]

    def finish(self, prefixes: Prefixes, guide: Guide | None = None) -> Prefixes:
        """Adds the language model's log P of the end, and puts the best first."""
        if guide is not None and guide.end is not None:
            language = prefixes.language + prefixes.following[..., guide.end]
            prefixes = prefixes._replace(language=language)
        order = jnp.argsort(-self.scores(prefixes), axis=1, stable=True)
        return _take(prefixes, order)

    def scores(self, prefixes: Prefixes) -> Array:
        """Returns what prefixes are compared by, [B, W]."""
        return prefixes.acoustic + self._help(prefixes)

    def _help(self, prefixes: Prefixes) -> Array:
        by_language = self.weight * _finite(prefixes.language)
        return by_language + self.bonus * prefixes.lengths

    def _step(self, before: Prefixes, log_p: Array, guide: Guide | None) -> Prefixes:
        """Reads one step: log_p [B, K]."""
        last = _last(before, self.blank)
        classes, longest = log_p.shape[-1], before.labels.shape[-1]
        total = before.acoustic
        at_last = jnp.take_along_axis(log_p, last, axis=1)
        stay_blank = total + log_p[:, self.blank, None]
        stay_label = before.log_label + at_last

        every = jnp.arange(classes)
        repeats = every == last[..., None]  # [B, W, K]
        whence = jnp.where(repeats, before.log_blank[..., None], total[..., None])
        fits = (before.lengths < longest)[..., None] & (every != self.blank)
        grown = jnp.where(fits, whence + log_p[:, None], -jnp.inf)

        # Where a grown prefix is in the beam already, it is added to that one.
        same = _is_extension(before) & (total > -jnp.inf)[..., None]  # [B, new, old]
        by_last = jnp.take_along_axis(
            grown.swapaxes(1, 2), last[..., None], axis=1
        )  # [B, new, old]: old grown by new's last label
        joined = jnp.max(jnp.where(same, by_last, -jnp.inf), axis=2)
        stay_label = jnp.logaddexp(stay_label, joined)
        taken = jnp.einsum("bno,bnk->bok", same, repeats & fits) > 0
        grown = jnp.where(taken, -jnp.inf, grown)
        return self._choose(before, stay_blank, stay_label, grown, guide)

    def _choose(
        self,
        before: Prefixes,
        stay_blank: Array,
        stay_label: Array,
        grown: Array,
        guide: Guide | None,
    ) -> Prefixes:
        """Keeps the best of the prefixes as they were, and of the grown ones."""
        rows, width, classes = grown.shape
        stayed = before._replace(log_blank=stay_blank, log_label=stay_label)
        more = self.weight * _finite(before.following) + self.bonus
        ahead = grown + self._help(before)[..., None] + more
        candidates = jnp.concatenate([self.scores(stayed)[..., None], ahead], axis=-1)
        candidates = candidates.reshape(rows, width * (1 + classes))
        _, best = lax.top_k(candidates, width)
        parents, choice = jnp.divmod(best, 1 + classes)
        grows, label = choice > 0, jnp.maximum(choice - 1, 0)
        return self._grow(stayed, grown, parents, grows, label, guide)

    def _grow(
        self,
        stayed: Prefixes,
        grown: Array,
        parents: Array,
        grows: Array,
        label: Array,
        guide: Guide | None,
    ) -> Prefixes:
        """Makes the chosen prefixes out of their parents, all [B, W]."""
        log_grown = jnp.take_along_axis(
            jnp.take_along_axis(grown, parents[..., None], axis=1),
            label[..., None],
            axis=2,
        )[..., 0]
        kept = _take(stayed, parents)
        place = jnp.arange(kept.labels.shape[-1]) == kept.lengths[..., None]
        labels = jnp.where(place & grows[..., None], label[..., None], kept.labels)
        new = kept._replace(
            labels=labels,
            lengths=kept.lengths + grows,
            log_blank=jnp.where(grows, -jnp.inf, kept.log_blank),
            log_label=jnp.where(grows, log_grown, kept.log_label),
        )
        if guide is None:
            return new
        by_label = jnp.take_along_axis(kept.following, label[..., None], 2)[..., 0]
        carry, following = guide.step(kept.carry, label.reshape(-1))
        following = following.reshape(kept.following.shape)
        return new._replace(
            language=kept.language + jnp.where(grows, by_label, 0),
            carry=select(~grows.reshape(-1), kept.carry, carry),
            following=select(grows, following, kept.following),
        )


def _last(prefixes: Prefixes, blank: int) -> Array:
    """Returns the last label of each prefix, the blank if there is none: [B, W]."""
    places = jnp.maximum(prefixes.lengths - 1, 0)[..., None]
    last = jnp.take_along_axis(prefixes.labels, places, axis=2)[..., 0]
    return jnp.where(prefixes.lengths > 0, last, blank)


def _is_extension(prefixes: Prefixes) -> Array:
    """Returns whether a prefix is another with one more label: bool [B, new, old]."""
    labels, lengths = prefixes.labels, prefixes.lengths
    inside = jnp.arange(labels.shape[-1]) < lengths[:, None, :, None]
    equal = (labels[:, :, None] == labels[:, None]) | ~inside
    return jnp.all(equal, axis=3) & (lengths[:, :, None] == lengths[:, None] + 1)


def _take(prefixes: Prefixes, places: Array) -> Prefixes:
    """Returns the prefixes of each row at places [B, W]."""
    rows, width = places.shape
    flat = (places + width * jnp.arange(rows)[:, None]).reshape(-1)

    def take(a):
        return jnp.take(a.reshape(-1, *a.shape[2:]), flat, axis=0).reshape(a.shape)

    carry = jax.tree.map(lambda a: jnp.take(a, flat, axis=0), prefixes.carry)
    rest = jax.tree.map(take, prefixes._replace(carry=()))
    return rest._replace(carry=carry)


def _finite(log_p: Array) -> Array:
    """Keeps 0 · −∞ from being NaN."""
    return jnp.maximum(log_p, jnp.finfo(log_p.dtype).min / 4)
