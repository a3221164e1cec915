"""Chorales as piano rolls: files of one's own, Bach's, and a generator."""

import functools
import pathlib
from collections.abc import Sequence

from experiments.music import arrays, generator, notation
from experiments.music.chorales import MUSIC21, read_chorales
from experiments.music.repeats import groups_of
from experiments.music.roll import Piece
from seqjax.data import DataError, Dataset, Source, Splits, Table
from seqjax.data import split as split_by_group
from seqjax.data.files import is_file

__all__ = ["TABLE", "read_rolls", "splits_of", "table"]

READERS = {
    ".mat": arrays.read_mat,
    ".npz": arrays.read_npz,
    ".json": arrays.read_json,
}
COUNT = 400  # generated pieces
FORMAT = (
    "Piano rolls in three parts: .mat (traindata, validdata, testdata), .npz (train_0, "
    "train_1, …, valid_0, …, test_0, …: arrays [frames, 88]) or .json "
    '({"train": [[[60, 64, 67], …], …], "valid": …, "test": …}, numbers of MIDI); or a '
    "folder of MusicXML (.musicxml, .xml, .mxl) and MIDI (.mid) files, with folders "
    "train, valid and test in it, or split at random by piece."
)


def read_rolls(path: str | pathlib.Path, frames: int = 1) -> Splits | list[Piece]:
    """Reads a file of piano rolls in three parts, or files of notes.

    Args:
      path: .mat, .npz or .json; or a folder of MusicXML and MIDI files.
      frames: in a quarter note, for files of notes.

    Raises:
      DataError: the file is missing, or no such file; the message names it.
    """
    ending = pathlib.Path(path).suffix.lower()
    is_notes = ending in (*notation.SCORES, *notation.MIDI)
    if ending in READERS:
        return READERS[ending](path)
    if is_file(path) and not is_notes:
        known = ", ".join((*READERS, *notation.SCORES, *notation.MIDI))
        raise DataError(f"{path}: music is read from a folder or a file of {known}")
    return notation.read_folder(path, frames)


def splits_of(source: Source, seed: int) -> Splits:
    """The three parts that the data have, or else those of a split by piece.

    Pieces that repeat each other, in any key, come into the same part.

    Raises:
      DataError: there are too few pieces.
    """
    if isinstance(source.examples, Splits):
        return source.examples
    pieces: Sequence[Piece] = source.examples
    try:
        return split_by_group(pieces, groups_of(pieces), seed)
    except DataError as error:
        raise DataError(f"{source.name}: {error}") from None


def _synthetic() -> tuple[Splits, float]:
    pieces, process = generator.draw_pieces(seed=0, count=COUNT)
    cuts = int(0.8 * COUNT), int(0.9 * COUNT)
    splits = Splits(pieces[: cuts[0]], pieces[cuts[0] : cuts[1]], pieces[cuts[1] :])
    return splits, generator.best_nats(process, splits.test)


def table(frames: int) -> Table:
    """The data sets, with so many frames in a quarter note."""
    return Table(
        format=FORMAT,
        read=functools.partial(read_rolls, frames=frames),
        datasets=(
            Dataset(
                name="chorales",
                load=lambda: (read_chorales(frames), None),
                licence=MUSIC21.licence,
                origin="the wheel music21 10.5.1",
                description="363 four-part chorales by Bach, from the corpus of "
                "music21, fetched by pip, 20 MB.",
            ),
            Dataset(
                name="synthetic",
                load=_synthetic,
                licence="none needed: generated",
                origin=f"experiments.music.generator.draw_pieces(0, {COUNT})",
                description=f"{COUNT} pieces from a hidden Markov chain of chords; the "
                "best score is that of the forward algorithm.",
            ),
        ),
    )


TABLE = table(frames=1)
