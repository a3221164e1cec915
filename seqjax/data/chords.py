"""Chords by their symbols, and progressions with a chord for each beat.

A progression is written as on a lead sheet: bars of four beats, parted by "|", each
with chords that share its beats equally: "Dm7 G7 | Cmaj7 | N.C.", where N.C. is no
chord.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seqjax.data.files import DataError

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KINDS = {  # semitones above the root
    "maj7": (0, 4, 7, 11),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "7b9": (0, 4, 7, 10, 1),
    "m6": (0, 3, 7, 9),
    "dim7": (0, 3, 6, 9),
}
BAR = 4  # beats
SILENCE = "N.C."


class Chord(NamedTuple):
    """A root, 0 … 11 semitones above C, and one of `KINDS`."""

    root: int
    kind: str

    @property
    def tones(self) -> tuple[int, ...]:
        """The pitch classes, the root first."""
        return tuple((self.root + step) % 12 for step in KINDS[self.kind])

    @property
    def symbol(self) -> str:
        """Such as "Bbm7b5"."""
        return NAMES[self.root] + self.kind


Beats = tuple[Chord | None, ...]  # of a progression; None is no chord


def parse_chord(symbol: str) -> Chord | None:
    """Reads a chord's symbol; None for N.C.

    Raises:
      DataError: it is no chord that is known here.

    Example:
      >>> parse_chord("Bb7")
      Chord(root=10, kind='7')
    """
    if symbol == SILENCE:
        return None
    match = re.fullmatch(r"([A-G][#b]?)(.+)", symbol)
    if not match or match[2] not in KINDS:
        raise DataError(
            f"{symbol!r} is no chord that is known: a root such as Bb, and one of "
            f"{', '.join(KINDS)}"
        )
    return Chord(semitones(match[1]) % 12, match[2])


def semitones(name: str) -> int:
    """Returns how far a letter, with # or b or nothing, is above C: −1 … 12."""
    step = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return step + name.count("#") - name.count("b")


@functools.lru_cache(4096)
def parse_progression(text: str) -> Beats:
    """Reads a progression.

    Returns:
      The chord of each beat.

    Raises:
      DataError: a chord is not known, a bar is empty, or its chords are not 1, 2 or 4.

    Example:
      >>> [chord.symbol for chord in parse_progression("Dm7 G7")]
      ['Dm7', 'Dm7', 'G7', 'G7']
    """
    beats: list[Chord | None] = []
    for number, bar in enumerate(text.strip().strip("|").split("|"), 1):
        chords = [parse_chord(symbol) for symbol in bar.split()]
        if len(chords) not in (1, 2, 4):
            raise DataError(
                f"bar {number} of {text!r} has {len(chords)} chords; 1, 2 or 4 can "
                f"share its four beats"
            )
        beats += [chord for chord in chords for _ in range(BAR // len(chords))]
    return tuple(beats)


def spell(beats: Sequence[Chord | None]) -> str:
    """Writes a progression of whole bars, so that `parse_progression` reads it."""
    bars = [beats[i : i + BAR] for i in range(0, len(beats), BAR)]
    return " | ".join(_spell_bar([_symbol(chord) for chord in bar]) for bar in bars)


def transpose(text: str, semitones: int) -> str:
    """Moves every chord of a progression up.

    Example:
      >>> transpose("Dm7 G7 | Cmaj7", 3)
      'Fm7 Bb7 | Ebmaj7'
    """
    moved = (
        chord and Chord((chord.root + semitones) % 12, chord.kind)
        for chord in parse_progression(text)
    )
    return spell(tuple(moved))


def roots(beats: Beats) -> np.ndarray:
    """Returns the root of each beat's chord, 0 if there is none: integers [beats]."""
    return np.array([chord.root if chord else 0 for chord in beats])


def table(beats: Beats) -> np.ndarray:
    """Describes each beat by its chord, by the next one, and by the place in four bars.

    Returns:
      float32 [beats, width]: the chord's root and kind; how far the root of the next
      chord is above it, its kind, and whether it comes in one, two, three or more
      beats, all zero at the end; which bar of four it is.
    """
    bars = np.eye(4)[np.arange(len(beats)) // BAR % 4]
    rows = [_describe(beats, i) for i in range(len(beats))]
    return np.concatenate([np.array(rows), bars], axis=1).astype(np.float32)


def recognize(pitches: Iterable[int]) -> Chord | None:
    """Finds the chord whose tones sounding pitches have most in common with.

    Args:
      pitches: MIDI numbers. Of two chords with the same tones, such as Cm6 and Am7b5,
        the one whose root is the lowest pitch is meant.

    Returns:
      The chord; None where less than three different tones sound.
    """
    pitches = sorted(pitches)
    heard = {pitch % 12 for pitch in pitches}
    if len(heard) < 3:
        return None

    def unlike(chord: Chord) -> tuple[int, bool]:
        return len(heard.symmetric_difference(chord.tones)), chord.root != pitches[
            0
        ] % 12

    return min((Chord(r, k) for r in range(12) for k in KINDS), key=unlike)


def _symbol(chord: Chord | None) -> str:
    return chord.symbol if chord else SILENCE


def _spell_bar(symbols: list[str]) -> str:
    for count in (1, 2):
        length = BAR // count
        parts = [symbols[i : i + length] for i in range(0, BAR, length)]
        if all(len(set(part)) == 1 for part in parts):
            return " ".join(part[0] for part in parts)
    return " ".join(symbols)


def _describe(beats: Beats, i: int) -> np.ndarray:
    here, others = beats[i], (j for j in range(i, len(beats)) if beats[j] != beats[i])
    change = next(others, len(beats))
    then = beats[change] if change < len(beats) else None
    vector = np.zeros(2 * (12 + len(KINDS)) + 4)
    if here:
        vector[[here.root, 12 + _kind(here)]] = 1
    if then:
        above = (then.root - (here.root if here else 0)) % 12
        vector[12 + len(KINDS) :][[above, 12 + _kind(then)]] = 1
        vector[min(change - i, 4) - 5] = 1
    return vector


def _kind(chord: Chord) -> int:
    return list(KINDS).index(chord.kind)
