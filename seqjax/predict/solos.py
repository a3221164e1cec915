"""A model of solos over chords to ask: what it plays, how likely a solo is."""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.data.chords import parse_progression, roots, table
from seqjax.data.events import TICKS, Event, EventCodec
from seqjax.decode import Hypotheses, Sampling, generate
from seqjax.metrics import Mean
from seqjax.models.event_generator import Form, fillable
from seqjax.models.recurrent import BOS
from seqjax.predict.batched import apply, one_or_more


class Solo(NamedTuple):
    """Notes and rests over a progression, which they fill."""

    genre: str
    progression: str  # such as "Dm7 G7 | Cmaj7", see `seqjax.data.chords`
    events: tuple[Event, ...]


class SoloExample(NamedTuple):
    """A solo as numbers."""

    genre: np.ndarray  # integer []
    roots: np.ndarray  # [beats]
    table: np.ndarray  # [beats, in]
    tokens: np.ndarray  # [T], the end counted


@dataclasses.dataclass(frozen=True, eq=False)
class SoloPredictor:
    """A trained model of solos.

    Attributes:
      model: an `EventGenerator`.
      codec: between events and integers.
      forms: the genres, each with progressions to play over.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> jazz = seqjax.load("runs/jazz")  # doctest: +SKIP
      >>> solo, = jazz.sample("blues", seed=3)  # doctest: +SKIP
      >>> print(*solo.events[:4])  # doctest: +SKIP
      F4:1/2 A4:1/2 C5:1 Eb5:1/2
    """

    model: Any
    codec: EventCodec
    forms: Mapping[str, tuple[str, ...]]
    variables: Any = None

    def __post_init__(self):
        known = self.codec.durations, self.codec.pitches
        if (self.model.durations, self.model.pitches) != known:
            raise ValueError("the model and the codec know different events")

    @property
    def genres(self) -> tuple[str, ...]:
        """The names of the genres."""
        return tuple(self.forms)

    def example(self) -> tuple[Any, ...]:
        """Returns a solo of one event, for the model's `init`."""
        progression = next(iter(self.forms.values()))[0]
        form = self._form(self.genres[0], progression)
        return form, jnp.zeros((1, 1), int), jnp.ones(1, int)

    def sample(
        self,
        genre: str | None = None,
        progression: str | None = None,
        begin: Sequence[Event] = (),
        *,
        count: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[Solo]:
        """Plays solos, which fill the progression.

        Args:
          genre: one of `genres`; drawn if None.
          progression: the chords; one of the genre's, drawn, if None.
          begin: the first events of each solo.
          count: how many to draw over these chords, independently of each other.
          temperature: see `seqjax.decode.Sampling`, as for `top_k` and `top_p`.
          top_k: draws from the k likeliest events alone; 0 draws from all.
          top_p: draws from the likeliest events with this share of the probability.
          seed: the same seed draws the same solos.

        Raises:
          DataError: the progression cannot be read.
          ValueError: there is no such genre, the first events are not known or do not
            fit, or a number is out of its range.
        """
        strategy = Sampling(one_or_more(count, "count"), temperature, top_k, top_p)
        genre, progression, ids = self.plan(genre, progression, begin, seed)
        form = self._form(genre, progression)
        longest = form.table.shape[1] * TICKS // min(self.codec.durations) + 1
        options = self.model, strategy, longest, self.codec.end
        drawn = _generate(
            *options, self.variables, form, ids[None], jax.random.key(seed)
        )
        return [
            Solo(genre, progression, tuple(self.codec.decode(row)))
            for row in np.asarray(drawn.tokens[0])
        ]

    def plan(
        self,
        genre: str | None = None,
        progression: str | None = None,
        begin: Sequence[Event] = (),
        seed: int = 0,
    ) -> tuple[str, str, np.ndarray]:
        """Returns the genre, the progression and the first tokens that `sample` takes.

        The arguments and errors are those of `sample`.
        """
        rng = np.random.default_rng(seed)
        genre = str(rng.choice(self.genres)) if genre is None else genre
        known = self.forms[self.genres[self._number(genre)]]
        progression = str(rng.choice(known)) if progression is None else progression
        ids = self.codec.encode(begin, end=False)
        whole = len(parse_progression(progression)) * TICKS
        left = whole - sum(event.duration for event in begin)
        if left < 0 or not fillable(self.codec.durations, whole)[left]:
            raise ValueError(
                f"the first events do not fit into {whole // TICKS} beats: they leave "
                f"{left / TICKS:g}"
            )
        return genre, progression, ids

    def distributions(self, solo: Solo) -> np.ndarray:
        """Returns P of every event at each step of a solo, given those before.

        Returns:
          float32 [T + 1, V], the end counted; `codec.event(i)` is what column i is.

        Raises:
          DataError: the progression cannot be read.
          ValueError: the genre or an event is not known.
        """
        example = self.encode(solo)
        form = self._form(solo.genre, solo.progression)
        inputs = form, example.tokens[None], np.array([len(example.tokens)])
        logits = apply(self.model, "__call__", self.variables, *inputs)
        return np.asarray(jax.nn.softmax(logits[0]))

    def score(self, solo: Solo) -> list[tuple[Event, float]]:
        """Returns log P of each event of a solo, in nats; −inf for what cannot be.

        Raises:
          DataError: the progression cannot be read.
          ValueError: the genre or an event is not known.
        """
        ids, p = self.codec.encode(solo.events, end=False), self.distributions(solo)
        with np.errstate(divide="ignore"):
            values = np.log(p[np.arange(len(ids)), ids])
        return list(zip(solo.events, values.tolist(), strict=True))

    def encode(self, solo: Solo) -> SoloExample:
        """Returns a solo as numbers, with its end.

        Raises:
          DataError: the progression cannot be read.
          ValueError: the genre or an event is not known.
        """
        beats = parse_progression(solo.progression)
        known = np.array(self._number(solo.genre)), roots(beats), table(beats)
        return SoloExample(*known, self.codec.encode(solo.events))

    def batches(
        self, solos: Iterable[Solo], batch_size: int = 64, buckets: int = 1
    ) -> Batches:
        """Returns solos, batched once, for `nats`."""
        encoded = [self.encode(solo) for solo in solos]
        return Batches(encoded, batch_size, buckets=buckets)

    def nats(self, batches: Batches) -> Mean:
        """Returns −log P an event; the end, which the form decides, is not counted."""

        def nats(batch: Batch) -> Mean:
            total = apply(self.model, "loss", self.variables, *inputs_of(batch)).total
            return Mean(total, np.maximum(batch.lengths.tokens - 1, 0).sum())

        return batches.mean(nats)

    def _form(self, genre: str, progression: str) -> Form:
        beats = parse_progression(progression)
        known = np.array(self._number(genre)), roots(beats), table(beats), len(beats)
        return Form(*(jnp.asarray(part)[None] for part in known))

    def _number(self, genre: str) -> int:
        if genre not in self.forms:
            raise ValueError(f"there is no genre {genre!r}: {', '.join(self.genres)}")
        return self.genres.index(genre)


def inputs_of(batch: Batch) -> tuple[Form, Any, Any]:
    """Returns what the model is called with for a batch of `SoloExample`."""
    values, lengths = batch
    form = Form(values.genre, values.roots, values.table, lengths.table)
    return form, values.tokens, lengths.tokens


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _generate(
    model: Any,
    strategy: Sampling,
    length: int,
    end: int,
    variables: Any,
    form: Form,
    ids: jax.Array,
    key: jax.Array,
) -> Hypotheses:
    apply = functools.partial(model.apply, variables)
    return generate(
        functools.partial(apply, method="step"),
        apply(form, method="initial_carry"),
        jnp.full(1, BOS),
        strategy,
        length=length,
        eos_id=end,
        prefix=(ids, jnp.array([ids.shape[1]])),
        key=key,
    )
