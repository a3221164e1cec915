"""From notes played to events over chords: which track, which grid, which chords."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from seqjax.data import DataError
from seqjax.data.chords import BAR, recognize, spell
from seqjax.data.events import TICKS, Event
from seqjax.data.midi import Midi, Note
from seqjax.predict import Solo

GRID = np.array([0, 3, 4, 6, 8, 9, 12])  # of a beat: sixteenths and triplets of eighths
SOLO, CHORDS = ("solo", "melody", "lead"), ("chord", "comp", "piano", "harmony")
LONGEST = 400  # bars


def transcribe(midi: Midi, genre: str, path: str | pathlib.Path = "") -> Solo:
    """Finds the solo and the chords in a MIDI file.

    The chords are the track whose name says so, or else the one with most notes at a
    time, if there are three; the solo is the one whose name says so, or else the
    highest of the others. Of notes that begin together the highest is kept, and each
    ends where the next begins.

    Args:
      midi: the file.
      genre: of the solo.
      path: of the file, for messages.

    Returns:
      The solo, with rests up to the end of the last bar; N.C. where no chord is known.

    Raises:
      DataError: the file has chords alone, or is too long.
    """
    chords = _named(midi.tracks, CHORDS) or _thickest(midi.tracks)
    lines = {name: notes for name, notes in midi.tracks.items() if name != chords}
    if not lines:
        raise DataError(f"{path}: chords but no solo in it")
    solo = _named(lines, SOLO) or max(lines, key=lambda name: _mean_pitch(lines[name]))
    below = midi.tracks[chords] if chords else []
    last = max(note.start + note.duration for note in [*lines[solo], *below])
    bars = int(np.ceil(last / BAR - 1e-3))
    if bars > LONGEST:
        raise DataError(f"{path}: {bars} bars, where a solo may have {LONGEST}")
    beats = tuple(
        recognize(_sounding(below, beat)) for beat in range(max(bars, 1) * BAR)
    )
    return Solo(genre, spell(beats), tuple(_events(lines[solo], len(beats) * TICKS)))


def quantize(beats: float) -> int:
    """Returns the tick of the grid that is nearest to a time in beats."""
    whole, part = divmod(beats, 1)
    nearest = GRID[np.argmin(np.abs(GRID - part * TICKS))]
    return int(whole) * TICKS + int(nearest)


def _named(tracks: Mapping[str, Sequence[Note]], words: Sequence[str]) -> str | None:
    """The first track whose name holds one of the words."""
    return next((n for n in tracks if any(word in n.lower() for word in words)), None)


def _thickest(tracks: Mapping[str, Sequence[Note]]) -> str | None:
    """The track with most notes at a time in the mean, if it has more than two."""
    at_a_time = {
        name: len(notes) / len({round(note.start, 2) for note in notes})
        for name, notes in tracks.items()
    }
    name = max(at_a_time, key=lambda name: at_a_time[name])
    return name if at_a_time[name] > 2 else None


def _mean_pitch(notes: Sequence[Note]) -> float:
    return float(np.mean([note.pitch for note in notes]))


def _sounding(notes: Sequence[Note], beat: int) -> list[int]:
    """The pitches that sound soon after a beat begins."""
    at = beat + 0.1
    return [n.pitch for n in notes if n.start <= at < n.start + n.duration]


def _events(notes: Sequence[Note], ticks: int) -> list[Event]:
    """Notes and rests that fill so many ticks."""
    highest: dict[int, Note] = {}
    for note in notes:
        start = quantize(note.start)
        if start not in highest or note.pitch > highest[start].pitch:
            highest[start] = note
    starts = sorted(start for start in highest if start < ticks)
    events = _rests(0, starts[0] if starts else ticks)
    for start, following in itertools.pairwise([*starts, ticks]):
        note = highest[start]
        end = max(quantize(note.start + note.duration), start + GRID[1])
        end = min(int(end), following, start + BAR * TICKS)
        if following - end < GRID[1]:  # too short to be written as a rest
            end = following
        events += [Event(note.pitch, end - start), *_rests(end, following)]
    return events


def _rests(start: int, end: int) -> list[Event]:
    """Rests from a tick to another, parted at the bars."""
    bar = BAR * TICKS
    edges = [start, *range((start // bar + 1) * bar, end, bar), end]
    return [Event(None, b - a) for a, b in itertools.pairwise(edges) if b > a]
