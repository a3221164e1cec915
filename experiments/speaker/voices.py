"""Synthetic voices, high ones and low ones, and real ones that say digits."""

import numpy as np

from experiments.speaker.clip import Clip, Clips
from experiments.speech_recognition.data import (
    RATE,
    draw_voice,
    speak,
)
from experiments.speech_recognition.data import TABLE as SPOKEN

WORDS = "one two six ten yes no".split()


def synthetic(voices: int = 80, each: int = 5) -> tuple[Clips, float]:
    """Speaks words in high and low voices, whose pitches do not overlap.

    Args:
      voices: how many; every second one is high.
      each: sounds of a voice.

    Returns:
      The sounds, and the best accuracy of telling high (female) from low (male).
    """
    rng, clips = np.random.default_rng(0), []
    for i in range(voices):
        voice, label = draw_voice(rng, high=i % 2 == 1), ("male", "female")[i % 2]
        for k in range(each):
            text = " ".join(rng.choice(WORDS, rng.integers(1, 3)))
            sound = speak(text, voice, rng)
            clips.append(Clip(f"voice {i}, sound {k}", sound, label, f"voice {i}"))
    return Clips(clips, rate=RATE), 1.0


def digits() -> tuple[Clips, None]:
    """Six people who say digits, as they were found in their recordings."""
    recordings = SPOKEN.load("digits").examples
    clips = [Clip(u.name, u.sound, "", u.speaker) for u in recordings.utterances]
    return Clips(clips, recordings.extract), None
