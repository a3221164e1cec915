"""Notes that fill a form: events that last, over the chord of each moment.

An event is a note or a rest with its duration. The clock of event t is

    clock⟨t⟩ = duration(y⟨1⟩) + … + duration(y⟨t−1⟩),

and P(y⟨1⟩, …, y⟨T⟩ | form) = ∏ P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩, genre, chord at clock⟨t⟩). An
event after which the form cannot be filled exactly has no probability, and the end has
all of it once the form is full.

Pitches are counted from the root of the chord of the moment, both where the event
before is read and where the next one is scored, so that what is learned over one chord
is known over the same chord on every root.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from seqjax.layer import Array, Carry
from seqjax.losses import cross_entropy
from seqjax.metrics import Mean
from seqjax.models.generator import Generator
from seqjax.models.recurrent import mask_of


class Form(NamedTuple):
    """What is known before the first event."""

    genre: Array  # integers [B]
    roots: Array  # integers [B, beats], 0 … 11: of the chord of each beat
    table: Array  # [B, beats, in], what else is known of each beat
    beats: Array  # integers [B], how many beats of each row are real


class EventCarry(NamedTuple):
    """All that a step reads besides the event; leaves [B, ...]."""

    carry: Carry
    clock: Array  # ticks before the next event
    form: Form  # the same at every step


class EventGenerator(nn.Module):
    """Writes events until a form is full: one to many, under a condition at each step.

    Event i · D + d is a rest where i is 0, else the pitch i − 1 of the range; it lasts
    as the d-th of D durations says. The end comes last.

    Attributes:
      generator: reads the genre first, and at each step the event before and what is
        known of the moment. It knows `vocabulary(durations, pitches)` tokens.
      durations: in ticks, at least 1 each.
      pitches: how many pitches there are, a semitone apart.
      ticks: of a beat.
      bar: beats of a bar, in which the model knows its place.

    Example:
      >>> from seqjax.cells import GRU
      >>> from seqjax.models import LanguageModel
      >>> write = LanguageModel(GRU(8), vocabulary((6, 12), 5))
      >>> model = EventGenerator(Generator(write, nn.Embed(2, 4)), (6, 12), 5)
      >>> roots, table = jnp.array([[0, 0, 7, 7]]), jnp.ones((1, 4, 5))
      >>> form = Form(jnp.array([1]), roots, table, jnp.array([4]))
      >>> events, lengths = jnp.array([[1, 2, 4, 9, 1, 12]]), jnp.array([6])
      >>> variables = jax.jit(model.init)(jax.random.key(0), form, events, lengths)
      >>> model.apply(variables, form, events, lengths).shape
      (1, 6, 13)
    """

    generator: Generator
    durations: tuple[int, ...]
    pitches: int
    ticks: int = 12
    bar: int = 4

    def __post_init__(self):
        needed = vocabulary(self.durations, self.pitches)
        if self.generator.write.vocabulary != needed:
            raise ValueError(
                f"{len(self.durations)} durations of {self.pitches} pitches need a "
                f"language model of {needed} tokens, not "
                f"{self.generator.write.vocabulary}"
            )
        super().__post_init__()

    def __call__(
        self, form: Form, events: Array, lengths: Array, train: bool = False
    ) -> Array:
        """Scores every event given the form and the events before it.

        Args:
          form: leaves [B, ...].
          events: integers [B, T].
          lengths: how many events of each row are real, the end counted, [B].
          train: True adds the language model's noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, V]: those at t are for events[:, t]; −inf for what cannot be.
        """
        lasts = self._lasts(events)
        after = jnp.cumsum(lasts, axis=1)
        read = self._from_root(events, self._at(form, form.roots, after))
        beside = self._beside(form, after - lasts)
        logits = self.generator(form.genre, read, lengths, train, beside)
        return self._possible(form, after - lasts, logits)

    def loss(
        self, form: Form, events: Array, lengths: Array, train: bool = False
    ) -> Mean:
        """Returns −log P of a row given its form in nats, the mean over rows not empty.

        The arguments are those of `__call__`.
        """
        logits = self(form, events, lengths, train)
        mask = mask_of(lengths, events.shape[1])
        return cross_entropy(logits.swapaxes(0, 1), events.T, mask.T)

    def initial_carry(self, form: Form) -> EventCarry:
        """Returns the state before the first event."""
        carry = self.generator.initial_carry(form.genre)
        return EventCarry(carry, jnp.zeros_like(form.beats), form)

    def step(self, carry: EventCarry, event: Array) -> tuple[EventCarry, Array]:
        """Reads events [B], `BOS` first; returns the state and logits [B, V]."""
        inner, clock, form = carry
        clock = clock + self._lasts(event)
        read = self._from_root(event, self._at(form, form.roots, clock))
        inner, logits = self.generator.step(inner, read, self._beside(form, clock))
        return EventCarry(inner, clock, form), self._possible(form, clock, logits)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        generator = {"params": variables["params"]["generator"]}
        return {"params": {"generator": self.generator.trainable(generator)["params"]}}

    def _lasts(self, events: Array) -> Array:
        """The ticks of each event: none for `BOS` and the end."""
        lasts = jnp.array([*self.durations * (self.pitches + 1), 0, 0])
        return lasts[events]  # the last one is that of −1

    def _at(self, form: Form, table: Array, clock: Array) -> Array:
        """What a table [B, beats, ...] holds at ticks [B] or [B, T]."""
        rows = _column(jnp.arange(len(form.beats)), clock)
        last = _column(jnp.maximum(form.beats - 1, 0), clock)
        return table[rows, jnp.minimum(clock // self.ticks, last)]

    def _beside(self, form: Form, clock: Array) -> Array:
        """What is known at these ticks, [B, in] or [B, T, in]."""
        period = self.ticks * self.bar
        known = self._at(form, form.table, clock)
        place = jax.nn.one_hot(clock % period, period, dtype=known.dtype)
        return jnp.concatenate([known, place], axis=-1)

    def _from_root(self, events: Array, root: Array) -> Array:
        """Numbers events by how far their pitches are above a root: read tokens."""
        kinds = len(self.durations)
        is_note = (events >= kinds) & (events < kinds * (self.pitches + 1))
        is_end = events == kinds * (self.pitches + 1)
        moved = events + kinds * (11 - root * is_note)
        return jnp.where(is_note | is_end, moved, events)

    def _possible(self, form: Form, clock: Array, scores: Array) -> Array:
        """Logits of events from scores by the root; −inf for what does not fit."""
        kinds, notes = len(self.durations), len(self.durations) * self.pitches
        above = [scores[..., kinds * (12 - r) :][..., :notes] for r in range(12)]
        root = self._at(form, form.roots, clock)
        which = jax.nn.one_hot(root, 12, dtype=scores.dtype)
        moved = sum(which[..., r, None] * part for r, part in enumerate(above))
        parts = [scores[..., :kinds], moved, scores[..., -1:]]
        left = (_column(form.beats, clock) * self.ticks - clock)[..., None]
        after = left - jnp.array(self.durations * (self.pitches + 1))
        can = jnp.array(fillable(self.durations, form.roots.shape[1] * self.ticks))
        fits = (after >= 0) & can[jnp.maximum(after, 0)]
        allowed = jnp.concatenate([fits, left <= 0], axis=-1)
        return jnp.where(allowed, jnp.concatenate(parts, axis=-1), -jnp.inf)


def _column(rows: Array, like: Array) -> Array:
    """Gives [B] as many axes as an array [B, ...] has."""
    return rows.reshape(-1, *(1,) * (like.ndim - 1))


def vocabulary(durations: tuple[int, ...], pitches: int) -> int:
    """Returns how many tokens the language model of an `EventGenerator` must know.

    They are rests, pitches of a range that is longer by the eleven semitones that roots
    differ by, and the end.
    """
    return len(durations) * (pitches + 12) + 1


def fillable(durations: tuple[int, ...], most: int) -> np.ndarray:
    """Returns which numbers of ticks are sums of durations: bool [most + 1].

    Example:
      >>> np.flatnonzero(fillable((3, 4), 9)).tolist()
      [0, 3, 4, 6, 7, 8, 9]
    """
    can = np.zeros(most + 1, bool)
    can[0] = True
    for ticks in range(1, most + 1):
        can[ticks] = any(can[ticks - d] for d in durations if d <= ticks)
    return can
