"""The model of solos: how it is made, its loss, and the n-grams it must beat."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from experiments.jazz.data import Known
from seqjax.baselines import best_ngram, unigram
from seqjax.data import Splits
from seqjax.data.chords import parse_progression
from seqjax.data.events import TICKS, EventCodec, starts
from seqjax.layer import Layer
from seqjax.models import EventGenerator, Generator, LanguageModel
from seqjax.models.event_generator import vocabulary
from seqjax.predict import Solo, SoloPredictor
from seqjax.predict.solos import inputs_of

FORMS_KEPT = 50  # progressions of a genre that a predictor remembers


def make_predictor(layer: Layer, splits: Splits, options: Any) -> SoloPredictor:
    """Makes the model that the flags ask for, of all events that occur."""
    solos = [known.solo for part in splits for known in part]
    codec = EventCodec.build(solo.events for solo in solos)
    forms = forms_of(solos)
    write = LanguageModel(
        layer,
        vocabulary(codec.durations, codec.pitches),
        embedding=options.embedding,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    genres = nn.Embed(len(forms), options.embedding)
    model = EventGenerator(Generator(write, genres), codec.durations, codec.pitches)
    return SoloPredictor(model, codec, forms)


def forms_of(solos: Iterable[Solo]) -> dict[str, tuple[str, ...]]:
    """The genres in their order, each with some progressions that its solos go over."""
    forms: dict[str, dict[str, None]] = {}
    for solo in solos:
        forms.setdefault(solo.genre, {})[solo.progression] = None
    return {genre: tuple(forms[genre])[:FORMS_KEPT] for genre in sorted(forms)}


def loss_of(model: EventGenerator) -> Callable[..., Any]:
    """The loss is E7: the sum over a solo's events, in the mean over solos."""

    def loss(variables, batch, key, recurrent_state):
        arguments, rngs = inputs_of(batch), {"dropout": key}
        nats = model.apply(variables, *arguments, train=True, rngs=rngs, method="loss")
        events = jnp.sum(jnp.maximum(batch.lengths.tokens - 1, 0))
        return nats, events, recurrent_state

    return loss


class Baselines(NamedTuple):
    """Nats per event of n-grams on two splits; the best by the first comes first."""

    valid: dict[str, float]
    test: dict[str, float]


def ngram_nats(codec: EventCodec, splits: Splits) -> Baselines:
    """Scores n-grams of events, and of events whose pitch is counted from the chord.

    The second know the root of each moment's chord: the pitch above it is predicted, of
    which the pitch is a function, so that their nats are those of the same events.
    """
    plain = _mapped(splits, lambda solo: codec.encode(solo.events, end=False))
    above = _mapped(splits, lambda solo: above_roots(codec, solo))
    kinds = {
        "{}-gram": (plain, codec.end),
        "{}-gram above the roots": (above, len(codec.durations) * (codec.pitches + 12)),
    }
    models, parts = {}, {}
    for name, (encoded, size) in kinds.items():
        best = best_ngram(encoded.train, encoded.valid, size)
        named = name.format(best.order)
        models[named], parts[named] = best, encoded
    first = next(iter(parts.values()))
    models["unigram"], parts["unigram"] = unigram(first.train, codec.end), first
    valid, test = (
        {n: float(m.nll(getattr(parts[n], part)).result()) for n, m in models.items()}
        for part in ("valid", "test")
    )
    best_first = sorted(valid, key=lambda name: valid[name])
    return Baselines(*({n: nats[n] for n in best_first} for nats in (valid, test)))


def above_roots(codec: EventCodec, solo: Solo) -> np.ndarray:
    """Numbers events by their durations and how far they are above their chords' roots.

    Returns:
      Integers [T]; over a chord, each event has a number of its own.
    """
    chords = parse_progression(solo.progression)
    under = [chords[tick // TICKS] for tick in starts(solo.events)]
    steps = [
        0 if e.pitch is None else e.pitch - codec.low + 12 - (c.root if c else 0)
        for e, c in zip(solo.events, under, strict=True)
    ]
    lasts = [codec.durations.index(event.duration) for event in solo.events]
    return np.array(steps) * len(codec.durations) + lasts


def _mapped(splits: Splits, encode: Callable[[Solo], np.ndarray]) -> Splits:
    return Splits(*([encode(known.solo) for known in part] for part in splits))


def known_solos(part: Sequence[Known]) -> list[Solo]:
    """The solos of a split."""
    return [known.solo for known in part]
