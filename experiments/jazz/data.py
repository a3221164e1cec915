"""Solos: drawn by a process whose probabilities are known, or read from MIDI files."""

import functools
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.jazz.forms import FORMS
from experiments.jazz.process import draw
from experiments.jazz.transcribe import transcribe
from seqjax.data import DataError, Dataset, Source, Splits, Table, split
from seqjax.data.chords import transpose
from seqjax.data.files import is_folder
from seqjax.data.midi import read_midi
from seqjax.predict import Solo

COUNT, FEW = 4000, 60  # solos that are drawn


class Known(NamedTuple):
    """A solo, and −log P of it in nats where the process that drew it is known."""

    solo: Solo
    nats: float | None = None


def draw_solos(seed: int, count: int) -> list[Known]:
    """Draws solos; their genres take turns, their forms and keys are drawn.

    Args:
      seed: of the draws.
      count: how many.
    """
    rng, genres = np.random.default_rng(seed), list(FORMS)
    solos = []
    for i in range(count):
        genre = genres[i % len(genres)]
        form = FORMS[genre][rng.integers(len(FORMS[genre]))]
        progression = transpose(form, int(rng.integers(12)))
        solos.append(Known(*draw(rng, genre, progression)))
    return solos


def best_nats(solos: Sequence[Known]) -> float | None:
    """Nats per event of the process itself; None where it is not known."""
    total = sum(known.nats or 0 for known in solos)
    unknown = any(known.nats is None for known in solos)
    return None if unknown else total / sum(len(known.solo.events) for known in solos)


def read_solos(path: str | pathlib.Path) -> list[Known]:
    """Reads a folder of MIDI files, each a solo; a folder in it is a genre.

    Raises:
      DataError: there is no such folder, no file with the ending .mid or .midi, or one
        that holds no solo.
    """
    folder = pathlib.Path(path)
    if not is_folder(folder):
        raise DataError(f"{path}: this is no folder; give one with MIDI files")
    endings = (".mid", ".midi")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in endings)
    if not files:
        raise DataError(f"{path}: no file with the ending .mid in this folder")
    return [Known(transcribe(read_midi(p), _genre(folder, p), p)) for p in files]


def split_solos(source: Source, seed: int) -> Splits:
    """Splits solos into eight tenths, a tenth and a tenth; equal ones stay together.

    Raises:
      DataError: there are fewer than three.
    """
    return split(source.examples, [known.solo for known in source.examples], seed)


def _genre(folder: pathlib.Path, path: pathlib.Path) -> str:
    return path.parent.name if path.parent != folder else "solo"


@functools.cache
def _drawn(count: int) -> tuple[list[Known], float | None]:
    solos = draw_solos(0, count)
    return solos, best_nats(solos)


TABLE = Table(
    format="A folder of MIDI files, each with a solo and, if there are any, its chords "
    "on a track of their own; a folder in it is a genre.",
    read=read_solos,
    datasets=(
        Dataset(
            name="synthetic",
            load=lambda: _drawn(COUNT),
            licence="none needed: generated",
            origin="experiments.jazz.data.draw_solos",
            description=f"{COUNT} solos over ii–V–I in major and minor and over blues "
            f"changes, in all keys; the best score is the process's own.",
        ),
        Dataset(
            name="few",
            load=lambda: _drawn(FEW),
            licence="none needed: generated",
            origin="experiments.jazz.data.draw_solos",
            description=f"the first {FEW} of them.",
        ),
    ),
)
