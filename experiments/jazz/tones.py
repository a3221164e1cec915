"""Which notes of a solo are tones of the chord that they are played over."""

from collections.abc import Iterable, Iterator

from seqjax.data.chords import parse_progression
from seqjax.data.events import TICKS, starts
from seqjax.predict import Solo

STRONG = 2 * TICKS  # the first and the third beat are so far apart


def tones(solo: Solo) -> Iterator[tuple[int, bool | None]]:
    """Yields each note's first tick, and whether it is a tone; None without a chord."""
    chords = parse_progression(solo.progression)
    for tick, event in zip(starts(solo.events), solo.events, strict=True):
        if event.pitch is not None:
            chord = chords[tick // TICKS]
            yield tick, event.pitch % 12 in chord.tones if chord else None


def strong_chord_tones(solos: Iterable[Solo]) -> float | None:
    """The share of notes on first and third beats that are tones of their chords."""
    found = [
        is_tone
        for solo in solos
        for tick, is_tone in tones(solo)
        if tick % STRONG == 0 and is_tone is not None
    ]
    return sum(found) / len(found) if found else None
