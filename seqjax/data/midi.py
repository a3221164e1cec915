"""Notes in MIDI files, read and written by mido."""

import io
import itertools
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from seqjax.data.files import DataError, read_bytes
from seqjax.data.quoting import reason
from seqjax.data.writing import whole_file
from seqjax.extras import library

RESOLUTION = 480  # MIDI's ticks of a beat, in files that are written
PERCUSSION = 9  # the channel that others count as the tenth


class Note(NamedTuple):
    """A note; times are in beats."""

    pitch: int  # MIDI number, 60 is C4
    start: float
    duration: float
    velocity: int = 80  # how hard it is struck, 1 … 127


class Midi(NamedTuple):
    """The notes of a MIDI file."""

    tracks: dict[str, list[Note]]  # by name, in the order of their starts
    tempo: float  # beats a minute, at the beginning


def write_midi(
    path: str | pathlib.Path,
    tracks: Mapping[str, Sequence[Note]],
    tempo: float = 120.0,
    programs: Mapping[str, int] | None = None,
) -> None:
    """Writes tracks of notes as a MIDI file, whole or not at all.

    Args:
      path: of the file.
      tracks: notes by the name of their track, in any order.
      tempo: beats a minute; the bars have four.
      programs: the General MIDI instrument of a track, 0 … 127; a piano if there is
        none.

    Raises:
      MissingLibrary: mido is not installed.
    """
    mido = library("mido", "sound")
    file = mido.MidiFile(type=1, ticks_per_beat=RESOLUTION)
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)))
    head.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    file.tracks.append(head)
    channels = [channel for channel in range(16) if channel != PERCUSSION]
    for i, (name, notes) in enumerate(tracks.items()):
        channel = channels[i % len(channels)]
        program = (programs or {}).get(name, 0)
        file.tracks.append(_track(mido, name, notes, channel, program))
    with whole_file(path) as partial:
        file.save(partial)


def read_midi(path: str | pathlib.Path) -> Midi:
    """Reads the notes of a MIDI file; percussion is passed over.

    A track with notes on several channels becomes a track for each.

    Raises:
      DataError: the file is missing, empty, damaged or cut off, or has no note.
      MissingLibrary: mido is not installed.
    """
    mido = library("mido", "sound")
    raw = read_bytes(path)
    if not raw:
        raise DataError(f"{path}: this file is empty")
    try:
        file = mido.MidiFile(file=io.BytesIO(raw))
        if file.ticks_per_beat < 1:
            raise ValueError("its times are in seconds, and not in quarter notes")
        each = [_notes(file.ticks_per_beat, track) for track in file.tracks]
    except Exception as error:  # whatever a damaged file leads to
        raise DataError(
            f"{path}: this is no MIDI file, or it is damaged or cut off "
            f"({reason(error)})"
        ) from None
    tracks: dict[str, list[Note]] = {}
    for i, (track, channels) in enumerate(zip(file.tracks, each, strict=True)):
        for channel, notes in channels.items():
            tracks[_free_name(tracks, track.name or f"track {i}", channel)] = notes
    if not tracks:
        raise DataError(f"{path}: no note in it")
    messages = itertools.chain(*file.tracks)
    tempos = (m.tempo for m in messages if m.type == "set_tempo" and m.tempo)
    return Midi(tracks, mido.tempo2bpm(next(tempos, mido.bpm2tempo(120))))


def _track(
    mido: Any, name: str, notes: Iterable[Note], channel: int, program: int
) -> Any:
    """A track of messages, in which a note ends before the next begins."""
    timed = []
    for note in notes:
        start = round(note.start * RESOLUTION)
        end = max(round((note.start + note.duration) * RESOLUTION), start + 1)
        timed.append((start, 1, note.pitch, note.velocity))
        timed.append((end, 0, note.pitch, 0))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    track.append(mido.Message("program_change", channel=channel, program=program))
    now = 0
    for tick, is_on, pitch, velocity in sorted(timed):
        kind = "note_on" if is_on else "note_off"
        values = {"note": pitch, "velocity": velocity, "channel": channel}
        track.append(mido.Message(kind, time=tick - now, **values))
        now = tick
    return track


def _notes(resolution: int, track: Any) -> dict[int, list[Note]]:
    """The notes of each channel of a track; one that never ends, ends with it."""
    now, sounding = 0, {}
    channels: dict[int, list[Note]] = {}

    def end(key):
        start, velocity = sounding.pop(key)
        times = start / resolution, max(now - start, 1) / resolution
        channels.setdefault(key[0], []).append(Note(key[1], *times, velocity))

    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == PERCUSSION:
            continue
        key = message.channel, message.note
        if key in sounding:
            end(key)
        if message.type == "note_on" and message.velocity:
            sounding[key] = now, message.velocity
    for key in list(sounding):
        end(key)
    return {
        channel: sorted(channels[channel], key=lambda note: (note.start, note.pitch))
        for channel in sorted(channels)
    }


def _free_name(taken: Iterable[str], name: str, channel: int) -> str:
    """The track's name, with its channel where another track has that name."""
    taken = set(taken)
    if name not in taken:
        return name
    return next(
        new
        for new in (f"{name} {n}" for n in itertools.count(channel + 1))
        if new not in taken
    )
