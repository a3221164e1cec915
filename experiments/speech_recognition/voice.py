"""A synthetic voice: every letter has a sound of its own, two resonances of a pitch."""

from typing import NamedTuple

import numpy as np

from experiments.speech_recognition.utterance import Recordings, Utterance

RATE = 8000
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LOWER, UPPER = np.geomspace(280, 900, 5), np.geomspace(1100, 3000, 6)
WORDS = "zero one two three four five six seven eight nine".split()


class Voice(NamedTuple):
    """How someone sounds."""

    pitch: float  # hertz
    tract: float  # factor of the resonances: above 1 for a shorter one
    pace: float  # factor of the length of letters


def draw_voice(rng: np.random.Generator, high: bool) -> Voice:
    """Draws a high or a low voice; their pitches do not overlap."""
    pitch = rng.uniform(165, 255) if high else rng.uniform(85, 155)
    tract = rng.uniform(1.05, 1.18) if high else rng.uniform(0.88, 1.02)
    return Voice(pitch, tract, rng.uniform(0.8, 1.25))


def speak(text: str, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Speaks a text of letters and spaces, with noise: samples [N] float32."""
    parts = [np.zeros(RATE // 20)]
    for letter in text:
        length = int(RATE * rng.uniform(0.06, 0.09) * voice.pace)
        parts.append(_letter(letter, length, voice, rng))
    sound = np.concatenate([*parts, np.zeros(RATE // 20)])
    level = 10 ** rng.uniform(-1.5, -0.5)
    sound = sound / max(np.abs(sound).max(), 1e-9) * level
    noise = level * 10 ** rng.uniform(-2.5, -1.5)
    return (sound + noise * rng.normal(size=len(sound))).astype(np.float32)


def _letter(letter, length, voice, rng) -> np.ndarray:
    if letter == " ":
        return np.zeros(length)
    place = LETTERS.index(letter)
    resonances = LOWER[place % 5] * voice.tract, UPPER[place // 5] * voice.tract
    hertz = voice.pitch * np.arange(1, int(3800 / voice.pitch) + 1)
    loudness = sum(np.exp(-(((hertz - f) / 130) ** 2)) for f in resonances) + 0.02
    turns = np.arange(length)[:, None] / RATE * hertz * rng.uniform(0.97, 1.03)
    wave = np.sin(2 * np.pi * (turns + rng.random(len(hertz)))) @ loudness
    fade = np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.012 * RATE)
    return wave * np.minimum(fade, 1)


def synthetic(count: int = 1000, speakers: int = 20) -> tuple[Recordings, float]:
    """Speaks strings of digits; 0 is the best word error rate."""
    rng = np.random.default_rng(0)
    voices = [draw_voice(rng, high=i % 2 == 1) for i in range(speakers)]
    made = []
    for i in range(count):
        who = i % speakers
        text = " ".join(rng.choice(WORDS, rng.integers(1, 4)))
        sound = speak(text, voices[who], rng)
        made.append(Utterance(f"utterance {i}", sound, text, f"voice {who}"))
    return Recordings(made, RATE), 0.0
