"""A small additive synthesiser: each note is a few harmonics under an envelope."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from seqjax.data.midi import Note

PEAK = 10 ** (-1 / 20)  # −1 dB of full scale


@dataclasses.dataclass(frozen=True)
class Instrument:
    """How a note sounds.

    The envelope rises from 0 to 1 in `attack` seconds, falls to `sustain` in `decay`,
    stays there until the note ends, and falls to 0 in `release`, all linearly.

    Attributes:
      harmonics: the amplitudes of the fundamental, the octave, the twelfth, …
      attack: in seconds, as the other times.
      decay: until the level is `sustain`.
      sustain: a level, 0 … 1.
      release: after the note's end.
      gain: multiplies everything.
    """

    harmonics: tuple[float, ...] = (1.0,)
    attack: float = 0.01
    decay: float = 0.1
    sustain: float = 0.7
    release: float = 0.1
    gain: float = 1.0


HORN = Instrument((1, 0.55, 0.4, 0.22, 0.12, 0.06), 0.025, 0.09, 0.75, 0.06, 1.0)
KEYS = Instrument((1, 0.45, 0.12, 0.05), 0.006, 0.9, 0.25, 0.25, 0.16)
BASS = Instrument((1, 0.6, 0.25, 0.1), 0.008, 0.35, 0.4, 0.08, 0.5)


def frequency(pitch: float) -> float:
    """Returns the frequency of a MIDI number in Hz; A4, number 69, has 440."""
    return 440.0 * 2 ** ((pitch - 69) / 12)


def envelope(instrument: Instrument, seconds: float, rate: int) -> np.ndarray:
    """Returns the level at each sample of a note, its release included: [N]."""
    i = instrument
    time = np.arange(round((seconds + i.release) * rate)) / rate
    points = [0, i.attack, i.attack + i.decay]
    held = np.interp(np.minimum(time, seconds), points, [0, 1, i.sustain])
    return held * np.clip(1 - (time - seconds) / i.release, 0, 1)


def tone(
    instrument: Instrument, pitch: float, seconds: float, velocity: float, rate: int
) -> np.ndarray:
    """Returns a note, its release included: [N]; no harmonic is above rate / 2."""
    level = envelope(instrument, seconds, rate)
    phase = 2 * np.pi * frequency(pitch) * np.arange(len(level)) / rate
    heard = [
        amplitude * np.sin(k * phase)
        for k, amplitude in enumerate(instrument.harmonics, 1)
        if k * frequency(pitch) < rate / 2
    ]
    return instrument.gain * velocity / 127 * level * np.sum(heard, axis=0)


def synthesize(
    voices: Mapping[Instrument, Sequence[Note]],
    tempo: float,
    seconds: float,
    rate: int = 22050,
) -> np.ndarray:
    """Plays notes.

    Args:
      voices: instruments, each with its notes.
      tempo: beats a minute.
      seconds: how long the result is; what sounds later is cut off.
      rate: samples a second.

    Returns:
      float64 [seconds · rate], scaled so that the loudest sample is 1 dB below full
      scale; zero where nothing sounds.

    Example:
      >>> samples = synthesize({HORN: [Note(69, 0, 1)]}, 120, seconds=1, rate=8000)
      >>> len(samples), round(float(np.abs(samples).max()), 3)
      (8000, 0.891)
    """
    samples = np.zeros(round(seconds * rate))
    beat = 60 / tempo
    for instrument, notes in voices.items():
        for note in notes:
            start = round(note.start * beat * rate)
            sound = tone(
                instrument, note.pitch, note.duration * beat, note.velocity, rate
            )
            part = samples[start : start + len(sound)]
            part += sound[: len(part)]
    loudest = np.abs(samples).max(initial=0)
    return samples * (PEAK / loudest) if loudest else samples
