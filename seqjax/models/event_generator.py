"""Events that fill a form: tokens that last, over what is known of each beat.

A solo over chords is such a sequence: each event is a note or a rest with its duration,
and when it begins, the chord of that moment is known. The clock of event t is

    clock⟨t⟩ = duration(y⟨1⟩) + … + duration(y⟨t−1⟩),

and P(y⟨1⟩, …, y⟨T⟩ | form) = ∏ P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩, genre, table, clock⟨t⟩), in
which an event after which the form cannot be filled exactly has no probability, and the
end has all of it once the form is full.
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
    table: Array  # [B, beats, in], what is known of each beat, such as its chord
    beats: Array  # integers [B], how many beats of each row are real


class EventCarry(NamedTuple):
    """All that a step reads besides the event; leaves [B, ...]."""

    carry: Carry
    clock: Array  # ticks before the next event
    form: Form  # the same at every step


class EventGenerator(nn.Module):
    """Writes events until a form is full: one to many, under a condition at each step.

    Attributes:
      generator: reads the genre first, and at each step the event before and what is
        known of the moment. Its last token is the end.
      durations: how many ticks each other token lasts, at least 1.
      ticks: of a beat.
      bar: beats of a bar, in which the model knows its place.

    Example:
      >>> from seqjax.cells import GRU
      >>> from seqjax.models import LanguageModel
      >>> write = LanguageModel(GRU(8), vocabulary=3)
      >>> model = EventGenerator(Generator(write, nn.Embed(2, 4)), (6, 12))
      >>> form = Form(jnp.array([1]), jnp.ones((1, 4, 5)), jnp.array([4]))
      >>> events, lengths = jnp.array([[1, 0, 0, 1, 1, 2]]), jnp.array([6])
      >>> variables = jax.jit(model.init)(jax.random.key(0), form, events, lengths)
      >>> model.apply(variables, form, events, lengths).shape
      (1, 6, 3)
    """

    generator: Generator
    durations: tuple[int, ...]
    ticks: int = 12
    bar: int = 4

    def __post_init__(self):
        if self.generator.write.vocabulary != len(self.durations) + 1:
            raise ValueError(
                f"{len(self.durations)} durations and the end need as many tokens, not "
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
        clock = jnp.cumsum(lasts, axis=1) - lasts
        beside = self._beside(form, clock)
        logits = self.generator(form.genre, events, lengths, train, beside)
        return self._allowed(form, clock, logits)

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
        beside = self._beside(form, clock)
        inner, logits = self.generator.step(inner, event, beside)
        return EventCarry(inner, clock, form), self._allowed(form, clock, logits)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        generator = {"params": variables["params"]["generator"]}
        return {"params": {"generator": self.generator.trainable(generator)["params"]}}

    def _lasts(self, events: Array) -> Array:
        """The ticks of each event: none for `BOS` and the end."""
        lasts = jnp.array([*self.durations, 0, 0])  # the last one is that of -1
        return lasts[events]

    def _beside(self, form: Form, clock: Array) -> Array:
        """What is known at these ticks, [B, in] or [B, T, in]."""
        last = form.table.shape[1] - 1
        beats = jnp.minimum(clock // self.ticks, last)
        rows = jnp.arange(len(beats)).reshape(-1, *(1,) * (beats.ndim - 1))
        period = self.ticks * self.bar
        place = jax.nn.one_hot(clock % period, period, dtype=form.table.dtype)
        return jnp.concatenate([form.table[rows, beats], place], axis=-1)

    def _allowed(self, form: Form, clock: Array, logits: Array) -> Array:
        """Leaves events after which the form can be filled; the end in a full one."""
        beats = form.beats.reshape(-1, *(1,) * (clock.ndim - 1))
        left = (beats * self.ticks - clock)[..., None]
        after = left - jnp.array(self.durations)
        can = jnp.array(fillable(self.durations, form.table.shape[1] * self.ticks))
        fits = (after >= 0) & can[jnp.maximum(after, 0)]
        return jnp.where(jnp.concatenate([fits, left <= 0], -1), logits, -jnp.inf)


def fillable(durations: tuple[int, ...], most: int) -> np.ndarray:
    """Returns which numbers of ticks are sums of durations: bool [most + 1].

    Example:
      >>> np.flatnonzero(fillable((3, 4), 9)).tolist()
      [0, 3, 4, 6, 7, 8, 9]
    """
    can = np.zeros(most + 1, bool)
    can[0] = True
    for ticks in range(1, most + 1):
        can[ticks] = any(can[ticks - d] for d in set(durations) if d <= ticks)
    return can
