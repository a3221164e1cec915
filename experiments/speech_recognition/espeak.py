"""Sentences that espeak-ng speaks, in several voices, where it is installed."""

import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from experiments.speech_recognition.utterance import Recordings, Utterance
from seqjax.audio import read_wav
from seqjax.data import DataError, Splits

RATE = 16000
VOICES = [f"en-us+{v}" for v in "m1 m2 m3 m4 f1 f2 f3 f4 m5 f5 m6 m7".split()]
# Some sound alike: pear and pair, flour and flower, meat and meet, sun and son.
THINGS = "apple pear plum bread flour meat salad soup fish rice".split()
PEOPLE = "king son girl boy queen cook child".split()
SKY = "sun moon star rain".split()
PATTERNS = (
    "the {thing} and {thing} salad",
    "the {person} ate the {thing}",
    "a {thing} for the {person}",
    "the {person} and the {person} meet",
    "we saw the {sky} and the {sky}",
    "a pair of {person}s",
    "the flower in the {sky}",
    "{person} and {person} eat {thing} soup",
)


def sentences(rng: np.random.Generator, count: int) -> list[str]:
    """Draws sentences such as "the apple and pear salad"."""
    made = []
    for _ in range(count):
        words = {"thing": THINGS, "person": PEOPLE, "sky": SKY}
        text = str(rng.choice(PATTERNS))
        for kind, choices in words.items():
            while f"{{{kind}}}" in text:
                text = text.replace(f"{{{kind}}}", str(rng.choice(choices)), 1)
        made.append(text)
    return made


def strings(rng: np.random.Generator, count: int) -> list[str]:
    """Draws strings of the sentences' words, in which any may follow any."""
    words = sorted({word for text in sentences(rng, 2000) for word in text.split()})
    words += ["pair", "meat", "son", "flower"]
    return [" ".join(rng.choice(words, rng.integers(2, 7))) for _ in range(count)]


def spoken() -> tuple[Recordings, None]:
    """Has espeak-ng speak strings of words to learn from, and sentences.

    Of words that sound alike, strings have the one as often as the other: only a model
    of what people say knows which of them a sentence has. It may learn from `sayings`,
    in which no sentence is one that is spoken.

    Raises:
      DataError: espeak-ng is not installed, or fails.
    """
    rng = np.random.default_rng(0)
    heard = sentences(rng, 300)
    known = tuple(text for text in sentences(rng, 3000) if text not in set(heard))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spoken.wav"
        parts = (
            [
                _speak(i, text, voices[i % len(voices)], path, rng)
                for i, text in enumerate(texts)
            ]
            for texts, voices in (
                (strings(rng, 1000), VOICES[:8]),
                (heard[:100], VOICES[8:10]),
                (heard[100:], VOICES[10:]),
            )
        )
        splits = Splits(*parts)
    every = [utterance for part in splits for utterance in part]
    return Recordings(every, RATE, parts=splits, sayings=known), None


def _speak(
    number: int, text: str, voice: str, path: pathlib.Path, rng: np.random.Generator
) -> Utterance:
    program = shutil.which("espeak-ng")
    if program is None:
        raise DataError(
            "--dataset=espeak: espeak-ng is not installed; apt install espeak-ng"
        )
    speed, pitch = rng.integers(130, 190), rng.integers(30, 70)
    how = ["-v", voice, "-s", f"{speed}", "-p", f"{pitch}", "-w", path]
    done = subprocess.run([program, *how, text], capture_output=True, text=True)
    if done.returncode:
        raise DataError(f"espeak-ng: {done.stderr.strip()}")
    name = f"{voice}, {number}"
    return Utterance(name, read_wav(path, RATE).samples, text, voice)
