"""Notes and rests that follow each other, as tokens: each a pitch with a duration."""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from seqjax.data.chords import NAMES, semitones

TICKS = 12  # of a beat: sixteenths are 3 ticks, triplets of eighths 4


class Event(NamedTuple):
    """A note or a rest, which begins where the event before it ends."""

    pitch: int | None  # MIDI number, 60 is C4; None is a rest
    duration: int  # in ticks

    def __str__(self) -> str:
        """Such as "Bb4:1/2": the pitch, "r" for a rest, and how many beats it lasts."""
        name = "r" if self.pitch is None else pitch_name(self.pitch)
        return f"{name}:{Fraction(self.duration, TICKS)}"


def pitch_name(pitch: int) -> str:
    """Returns a name such as "C4" for 60."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_event(text: str) -> Event:
    """Reads what `str(event)` writes.

    Raises:
      ValueError: it is no event.

    Example:
      >>> parse_event("Bb4:1/2"), parse_event("r:2")
      (Event(pitch=70, duration=6), Event(pitch=None, duration=24))
    """
    match = re.fullmatch(r"(?:([A-G][#b]?)(-?\d)|r):(\d+)(?:/([1-9]\d*))?", text)
    ticks = (
        Fraction(int(match[3]), int(match[4] or 1)) * TICKS if match else Fraction(0)
    )
    if not match or ticks < 1 or ticks.denominator > 1:
        raise ValueError(
            f"{text!r} is no event: write a pitch, or r for a rest, and its beats, as "
            f"in Bb4:1/2"
        )
    if match[1] is None:
        return Event(None, int(ticks))
    return Event(semitones(match[1]) + 12 * (int(match[2]) + 1), int(ticks))


def starts(events: Iterable[Event]) -> list[int]:
    """Returns the tick at which each event begins."""
    ends = np.cumsum([0, *(event.duration for event in events)])
    return ends[:-1].tolist()


@dataclasses.dataclass(frozen=True)
class EventCodec:
    """Numbers every event of a range of pitches and of some durations; the end is last.

    Attributes:
      low: the lowest pitch.
      high: the highest.
      durations: in ticks.
    """

    low: int
    high: int
    durations: tuple[int, ...]

    @classmethod
    def build(cls, solos: Iterable[Iterable[Event]]) -> "EventCodec":
        """Makes the smallest codec that knows all events of solos.

        Raises:
          ValueError: there is no note.
        """
        events = {event for solo in solos for event in solo}
        pitches = [event.pitch for event in events if event.pitch is not None]
        if not pitches:
            raise ValueError("there is no note to number")
        durations = tuple(sorted({event.duration for event in events}))
        return cls(min(pitches), max(pitches), durations)

    @property
    def pitches(self) -> int:
        """How many pitches there are."""
        return self.high - self.low + 1

    @property
    def end(self) -> int:
        """The token after the last event; there are as many others."""
        return (self.pitches + 1) * len(self.durations)

    def encode(self, events: Iterable[Event], end: bool = True) -> np.ndarray:
        """Returns the tokens of events, the end behind them if `end`.

        Raises:
          ValueError: an event is not known.
        """
        ids = [self._number(event) for event in events]
        return np.array([*ids, self.end] if end else ids, int)

    def decode(self, tokens: Sequence[int] | np.ndarray) -> list[Event]:
        """Returns the events of tokens, up to the end if there is one."""
        ids = [int(token) for token in tokens]
        ids = ids[: ids.index(self.end)] if self.end in ids else ids
        return [self.event(i) for i in ids]

    def event(self, token: int) -> Event:
        """Returns the event of a token but the end: rests first, then by pitch."""
        step, place = divmod(token, len(self.durations))
        return Event(self.low + step - 1 if step else None, self.durations[place])

    def _number(self, event: Event) -> int:
        step = 0 if event.pitch is None else event.pitch - self.low + 1
        outside = event.pitch is not None and not self.low <= event.pitch <= self.high
        if outside or event.duration not in self.durations:
            lengths = ", ".join(str(Fraction(d, TICKS)) for d in self.durations)
            raise ValueError(
                f"{event} is not known: pitches go from {pitch_name(self.low)} to "
                f"{pitch_name(self.high)}, and there are notes of {lengths} beats"
            )
        return step * len(self.durations) + self.durations.index(event.duration)
