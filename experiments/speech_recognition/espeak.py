"""Sentences that espeak-ng speaks, in several voices, where it is installed."""

import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

from experiments.speech_recognition.utterance import Recordings, Utterance
from seqjax.audio import read_wav
from seqjax.data import DataError

RATE = 16000
VOICES = [f"en-us+{v}" for v in "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f4 f5".split()]
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


def spoken(count: int = 1200) -> tuple[Recordings, None]:
    """Has espeak-ng speak sentences.

    Raises:
      DataError: it is not installed, or fails.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise DataError(
            "--dataset=espeak: espeak-ng is not installed; apt install espeak-ng"
        )
    rng, made = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spoken.wav"
        for i, text in enumerate(sentences(rng, count)):
            voice = VOICES[i % len(VOICES)]
            speed, pitch = rng.integers(130, 190), rng.integers(30, 70)
            how = ["-v", voice, "-s", f"{speed}", "-p", f"{pitch}", "-w", path]
            done = subprocess.run([program, *how, text], capture_output=True, text=True)
            if done.returncode:
                raise DataError(f"espeak-ng: {done.stderr.strip()}")
            sound = read_wav(path, RATE).samples
            made.append(Utterance(f"sentence {i}", sound, text, voice))
    return Recordings(made, RATE), None
