"""A process that improvises, and whose probabilities are known.

Each event is drawn in two decisions, its duration and then its pitch, from
distributions that the events before it, the form and the genre determine. Nothing else
is drawn, so that −log P of a solo is the sum over its decisions, and no model of the
process can expect less on solos it has not seen.

Durations: half a bar holds one of `RHYTHMS`. Which one depends on the rhythm before, on
whether a phrase of four bars ends, and, for a motif, on the rhythm a bar before.

Pitches: on the first and third beat of a bar there are tones of the chord alone; on the
others mostly these, else tones of its scale; between beats also the semitone below or
above a tone of the chord, which must be resolved into the semitone beside it. Small
steps are likelier than leaps, a line goes on in its direction and turns after a leap,
and before a change of chords it leans to the third or seventh of the next one. A note
may repeat that of a bar before, moved as the root has moved, and is likely to if the
note before it did so. Rests stand where phrases end and begin.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.jazz.forms import BLUE, SCALES
from experiments.jazz.rhythm import next_durations
from seqjax.data.chords import BAR, KINDS, Chord, parse_progression
from seqjax.data.events import TICKS, Event
from seqjax.predict import Solo

LOW, HIGH = 55, 84  # G3 to C6
PITCHES = np.arange(LOW, HIGH + 1)
CHOICES = (None, *PITCHES.tolist())
HALF, WHOLE, PHRASE = 2 * TICKS, BAR * TICKS, 4 * BAR * TICKS
STEPS = np.array([0.15, 1.2, 1.5, 0.9, 0.7, 0.4, 0.1, 0.25, 0.1, 0.1, 0, 0, 0.1])
Decide = Callable[[Sequence[Any], np.ndarray], int]


class Line(NamedTuple):
    """Where the line of notes is."""

    last: int | None = None  # the last pitch
    step: int = 0  # the last interval that was not zero
    open: bool = False  # whether the last note is to be resolved by a semitone
    again: bool = False  # whether the last event repeated a motif
    rested: bool = False  # whether the last event was a rest


class Moment(NamedTuple):
    """What a note's pitch depends on besides the line and the motif."""

    chord: Chord
    target: Chord | None  # the chord that begins when the note ends, if it is another
    strength: int  # 2 on the first and third beat, 1 on the others, 0 between beats
    passing: bool  # whether it is short enough to be foreign to the scale
    tonic: int | None  # of a blues


def improvise(
    genre: str, progression: str, decide: Decide
) -> tuple[list[Event], float]:
    """Walks through a form.

    Args:
      genre: of `FORMS`.
      progression: over which to play, with a chord on every beat.
      decide: takes what there is to choose from and its distribution, and returns the
        place of its choice: of a duration, of a pitch, of a duration, …

    Returns:
      The events, and −log P of them in nats.
    """
    chords: Any = parse_progression(progression)
    tonic = chords[0].root if genre == "blues" else None
    events, at, rhythms, half = [], {}, [()] * 2, ()
    line, nats, clock = Line(), 0.0, 0

    def choose(options: Sequence[Any], p: np.ndarray) -> Any:
        nonlocal nats
        i = decide(options, p)
        nats -= np.log(p[i])
        return options[i]

    while clock < len(chords) * TICKS:
        ends = clock % PHRASE >= PHRASE - HALF
        duration = choose(*next_durations(genre, rhythms[-1], rhythms[-2], half, ends))
        moment = _moment(chords, clock, duration, tonic)
        motif = _motif(at.get(clock - WHOLE), clock, duration, moment, line)
        rest = _rest(clock, line)
        pitch = choose(CHOICES, _pitches(moment, line, motif, rest))
        event = Event(pitch, duration)
        line = _advance(line, event, moment, motif)
        at[clock] = event, moment.chord
        events.append(event)
        clock, half = clock + duration, (*half, duration)
        if clock % HALF == 0:
            rhythms, half = [*rhythms, half], ()
    return events, float(nats)


def draw(rng: np.random.Generator, genre: str, progression: str) -> tuple[Solo, float]:
    """Draws a solo; returns it, and −log P of it in nats."""

    def decide(options: Sequence[Any], p: np.ndarray) -> int:
        del options
        edges = p.cumsum()
        return int(edges.searchsorted(rng.random() * edges[-1], side="right"))

    events, nats = improvise(genre, progression, decide)
    return Solo(genre, progression, tuple(events)), nats


def log_prob(solo: Solo) -> float:
    """log P of a solo given its genre and progression; −inf if it cannot be drawn."""
    wanted = iter([x for e in solo.events for x in (e.duration, e.pitch)])

    def decide(options: Sequence[Any], p: np.ndarray) -> int:
        i = options.index(next(wanted))
        if not p[i]:
            raise ValueError
        return i

    try:
        _, nats = improvise(solo.genre, solo.progression, decide)
    except (ValueError, StopIteration):  # a choice that is none, or too few of them
        return -np.inf
    return -nats if next(wanted, "none left") == "none left" else -np.inf


def _moment(chords, clock: int, duration: int, tonic: int | None) -> Moment:
    chord, after = chords[clock // TICKS], clock + duration
    is_last = after == len(chords) * TICKS
    then = None if is_last or after % TICKS else chords[after // TICKS]
    strength = 2 if clock % HALF == 0 else int(clock % TICKS == 0)
    passing = strength == 0 and duration <= TICKS // 2 and not is_last
    return Moment(chord, None if then == chord else then, strength, passing, tonic)


def _rest(clock: int, line: Line) -> float:
    """P(the event is a rest)."""
    place = clock % PHRASE
    if line.open:
        return 0.0
    if line.rested:
        return 0.05
    if place == 0 or place >= PHRASE - HALF:
        return 0.3
    return 0.04 if clock % TICKS == 0 else 0.015


def _motif(
    old: tuple[Event, Chord] | None,
    clock: int,
    duration: int,
    moment: Moment,
    line: Line,
) -> tuple[int, float] | None:
    """The pitch that would repeat a note of a bar before, and P(it is repeated)."""
    if old is None or old[0].pitch is None or old[0].duration != duration:
        return None
    shift = (moment.chord.root - old[1].root + 6) % 12 - 6
    pitch = old[0].pitch + shift
    if not LOW <= pitch <= HIGH or not _harmony(moment, line)[pitch - LOW]:
        return None
    begins = 0.4 if clock % WHOLE == 0 else 0.1
    return pitch, 0.8 if line.again else begins


def _pitches(
    moment: Moment, line: Line, motif: tuple[int, float] | None, rest: float
) -> np.ndarray:
    """P of a rest, and of each pitch."""
    weights = _harmony(moment, line) * _near(line.last, line.step)
    if moment.target:
        weights = weights * _towards(moment.target)
    p = weights / weights.sum()
    if motif:
        p *= 1 - motif[1]
        p[motif[0] - LOW] += motif[1]
    return np.concatenate([[rest], (1 - rest) * p])


@functools.lru_cache(None)
def _near(last: int | None, before: int) -> np.ndarray:
    """How likely each pitch is after the last one and the interval before it."""
    middle = np.exp(-(((PITCHES - 69) / 9) ** 2))
    if last is None:
        return middle
    steps = PITCHES - last
    sizes = np.abs(steps)
    small, onward = sizes < 5, np.sign(steps) == np.sign(before)
    turns = abs(before) > 4
    bent = np.where(small & (~onward if turns else onward), 3 if turns else 1.8, 1)
    return middle * bent * np.where(sizes < 13, STEPS[np.minimum(sizes, 12)], 1e-3)


@functools.lru_cache(None)
def _towards(chord: Chord) -> np.ndarray:
    """How much likelier pitches are that a small step takes to the chord's guides."""
    near = _beside(_guides(chord), (-2, -1, 1, 2))
    return np.where(np.isin(PITCHES % 12, near), 2.5, 1)


def _harmony(moment: Moment, line: Line) -> np.ndarray:
    """How well each pitch goes with the chord: 0 is not at all."""
    if line.open and line.last is not None:
        weights = _fit(moment._replace(passing=False))
        return np.where(np.abs(PITCHES - line.last) == 1, weights, 0)
    return _fit(moment)


@functools.lru_cache(None)
def _fit(moment: Moment) -> np.ndarray:
    chord, strength = moment.chord, moment.strength
    classes = PITCHES % 12
    is_tone = np.isin(classes, chord.tones)
    guide = np.where(np.isin(classes, _guides(chord)), (1, 1.6, 2)[strength], 1)
    others = np.isin(classes, [*_scale(chord, moment.tonic)]) * (1, 0.3, 0)[strength]
    weights = np.where(is_tone, guide, others)
    if moment.passing:
        beside = _beside((moment.target or chord).tones, (-1, 1))
        inside = (PITCHES > LOW) & (PITCHES < HIGH)
        passing = inside & np.isin(classes, beside)
        weights = np.where((weights == 0) & passing, 0.3, weights)
    return weights


def _guides(chord: Chord) -> tuple[int, ...]:
    """The third and the seventh, as pitch classes."""
    return chord.tones[1], chord.tones[3]


def _beside(classes: Sequence[int], steps: Sequence[int]) -> list[int]:
    return [(c + step) % 12 for c in classes for step in steps]


@functools.lru_cache(None)
def _scale(chord: Chord, tonic: int | None) -> frozenset[int]:
    """The pitch classes of the chord's scale, with the tonic's blue notes."""
    steps = {*SCALES[chord.kind], *KINDS[chord.kind]}
    blue = () if tonic is None else ((tonic + step) % 12 for step in BLUE)
    return frozenset({(chord.root + step) % 12 for step in steps}.union(blue))


def _advance(
    line: Line, event: Event, moment: Moment, motif: tuple[int, float] | None
) -> Line:
    """The line after an event."""
    pitch = event.pitch
    if pitch is None:
        return Line(line.last, line.step, rested=True)
    step = pitch - line.last if line.last is not None else 0
    foreign = pitch % 12 not in _scale(moment.chord, moment.tonic)
    again = motif is not None and motif[0] == pitch
    return Line(pitch, step or line.step, foreign, again)
