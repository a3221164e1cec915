"""Piano rolls as MIDI files."""

import io

import numpy as np

from experiments.music.roll import to_notes
from seqjax.extras import library

TICKS = 480  # in a quarter note
VELOCITY = 80
TEMPO = 80  # quarter notes a minute


def midi_of(roll: np.ndarray, frames: int) -> bytes:
    """A MIDI file of one track that plays a roll.

    Args:
      roll: bool [T, 88]; a key that is down in two frames in a row is one note.
      frames: in a quarter note.
    """
    mido = library("mido", "sound")
    notes, track = to_notes(roll, frames), mido.MidiTrack()
    begins = np.rint(TICKS * notes.onsets).astype(int).tolist()
    ends = np.rint(TICKS * (notes.onsets + notes.durations)).astype(int).tolist()
    pitches = notes.pitches.tolist()
    # At one tick, notes end before others begin.
    events = [
        (tick, "note_off", pitch) for tick, pitch in zip(ends, pitches, strict=True)
    ]
    events += [
        (tick, "note_on", pitch) for tick, pitch in zip(begins, pitches, strict=True)
    ]
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(TEMPO)))
    now = 0
    for tick, kind, pitch in sorted(events):
        track.append(mido.Message(kind, note=pitch, velocity=VELOCITY, time=tick - now))
        now = tick
    rest = round(len(roll) * TICKS / frames) - now
    track.append(mido.MetaMessage("end_of_track", time=rest))
    file = io.BytesIO()
    mido.MidiFile(tracks=[track], ticks_per_beat=TICKS).save(file=file)
    return file.getvalue()
