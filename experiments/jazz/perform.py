"""A solo as it is heard, a horn over chords and a bass, and as it is seen."""

import itertools
import pathlib

from experiments.jazz.tones import tones
from seqjax import figures
from seqjax.audio.synthesis import BASS, HORN, KEYS, synthesize
from seqjax.audio.wav import write_wav
from seqjax.data.chords import BAR, Chord, parse_progression
from seqjax.data.events import TICKS, starts
from seqjax.data.midi import Note, write_midi
from seqjax.predict import Solo

RATE = 22050  # samples a second
TAIL = 1.0  # seconds in which the last note fades
PROGRAMS = {"solo": 65, "chords": 0}  # General MIDI: alto saxophone, piano


def perform(
    folder: str | pathlib.Path, name: str, solo: Solo, tempo: float, swing: float
) -> list[pathlib.Path]:
    """Writes a solo as NAME.mid, NAME.wav and figures/NAME.png.

    Returns:
      The paths of what was written: of rests alone there is no picture.
    """
    folder = pathlib.Path(folder)
    (folder / "figures").mkdir(exist_ok=True)
    midi, wav = (folder / f"{name}.{ending}" for ending in ("mid", "wav"))
    picture = folder / "figures" / f"{name}.png"
    write_solo_midi(midi, solo, tempo)
    write_solo_wav(wav, solo, tempo, swing)
    draw_solo(picture, solo)
    return [path for path in (midi, wav, picture) if path.exists()]


def draw_solo(path: str | pathlib.Path, solo: Solo) -> None:
    """Draws the piano roll of a solo with notes; tones of the chords stand out."""
    names = {True: "tone of the chord", False: "other tone", None: "over no chord"}
    groups: dict[str, list[Note]] = {names[True]: [], names[False]: []}
    for note, (_, is_tone) in zip(solo_notes(solo), tones(solo), strict=True):
        groups.setdefault(names[is_tone], []).append(note)
    chords = [(start, chord.symbol) for chord, start, _ in _spans(solo.progression)]
    if any(groups.values()):
        title = f"a solo, {solo.genre}"
        figures.piano_roll(path, groups, title=title, chords=chords, bar=BAR)


def solo_notes(solo: Solo) -> list[Note]:
    """The notes of a solo, as written."""
    return [
        Note(event.pitch, start / TICKS, event.duration / TICKS, _velocity(start))
        for start, event in zip(starts(solo.events), solo.events, strict=True)
        if event.pitch is not None
    ]


def chord_notes(solo: Solo) -> list[Note]:
    """The chords of a solo, struck where they change and where a bar begins.

    The root is the lowest note, from E2 to Eb3, and the others lie from F3 to E4.
    """
    notes = []
    for chord, start, beats in _spans(solo.progression):
        upper = sorted(53 + (tone - 53) % 12 for tone in chord.tones[1:])
        for pitch in (_root(chord), *upper):
            notes.append(Note(pitch, start, beats, 60))
    return notes


def bass_notes(solo: Solo) -> list[Note]:
    """Root and fifth in turn on the beats, with the third before a change of chords."""
    notes = []
    for chord, start, beats in _spans(solo.progression):
        third, fifth = ((tone - chord.root) % 12 for tone in chord.tones[1:3])
        steps = [0, fifth, 0, third][: beats - 1] + [third]
        for i, step in enumerate(steps):
            notes.append(Note(_root(chord) - 12 + step, start + i, 0.9, 80))
    return notes


def write_solo_midi(path: str | pathlib.Path, solo: Solo, tempo: float) -> None:
    """Writes the solo and its chords as they are notated: eighths are even."""
    tracks = {"solo": solo_notes(solo), "chords": chord_notes(solo)}
    write_midi(path, {k: v for k, v in tracks.items() if v}, tempo, PROGRAMS)


def write_solo_wav(
    path: str | pathlib.Path, solo: Solo, tempo: float, swing: float
) -> None:
    """Plays the solo over chords and bass.

    Args:
      path: of the WAV file.
      solo: what is played.
      tempo: beats a minute.
      swing: the share of a beat that the first of two eighths takes: 0.5 is even, 2/3
        as in triplets.
    """
    voices = {
        HORN: [_swung(note, swing) for note in solo_notes(solo)],
        KEYS: [note._replace(duration=note.duration * 0.9) for note in _upper(solo)],
        BASS: bass_notes(solo),
    }
    beats = len(parse_progression(solo.progression))
    seconds = beats * 60 / tempo + TAIL
    write_wav(path, synthesize(voices, tempo, seconds, RATE), RATE)


def swung(beats: float, swing: float) -> float:
    """Returns when a time in beats comes, if the half of each beat comes at `swing`.

    A beat is stretched before its half and shortened behind it; triplets, which swing
    by themselves, stay where they are.
    """
    whole, part = divmod(round(beats * TICKS), TICKS)
    if part % 4 == 0:
        return whole + part / TICKS
    half = TICKS / 2
    late = (
        swing * part / half if part <= half else swing + (1 - swing) * (part / half - 1)
    )
    return whole + late


def _swung(note: Note, swing: float) -> Note:
    start = swung(note.start, swing)
    end = swung(note.start + note.duration, swing)
    return note._replace(start=start, duration=end - start)


def _upper(solo: Solo) -> list[Note]:
    """The chords without their roots, which the bass has."""
    return [note for note in chord_notes(solo) if note.pitch >= 53]


def _root(chord: Chord) -> int:
    return 40 + (chord.root - 40) % 12


def _spans(progression: str) -> list[tuple[Chord, int, int]]:
    """Each chord with its first beat and how many it has within a bar."""
    spans = []
    beats = enumerate(parse_progression(progression))
    for (chord, _), group in itertools.groupby(beats, lambda b: (b[1], b[0] // BAR)):
        places = [place for place, _ in group]
        if chord:
            spans.append((chord, places[0], len(places)))
    return spans


def _velocity(start: int) -> int:
    """Notes between the beats are accented a little."""
    return 84 if start % TICKS == 0 else 94
