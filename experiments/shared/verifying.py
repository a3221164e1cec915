"""Whether the files of a run are what was written."""

import hashlib
import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from experiments.shared import begun
from seqjax import predict, train
from seqjax.data import DataError
from seqjax.data.files import read_bytes
from seqjax.data.writing import write_text
from seqjax.train import log

SUMS = "SHA256SUMS"  # as the shell's sha256sum -c reads it
RUN = "# run: "  # that ended in a folder below
OF_TRAINING = {begun.NAME, "metrics.jsonl", ".lock", SUMS}  # sealed by other means


class Verdict(NamedTuple):
    """What was found of a file."""

    path: pathlib.Path
    problem: str  # empty if the file is sound


def write_sums(folder: pathlib.Path) -> None:
    """Writes the digests of what a run leaves beside its checkpoints and its log.

    A run in a folder below has its own, and may go on alone; of it there is a comment.
    """
    names = {begun.NAME, SUMS}
    runs = {p.parent for name in names for p in folder.glob(f"*/**/{name}")}
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and _is_left(folder, p))
    digests = (
        f"{_sha256(p)}  {p.relative_to(folder).as_posix()}\n"
        for p in paths
        if not runs & set(p.parents)
    )
    ended = (
        f"{RUN}{run.relative_to(folder).as_posix()}\n"
        for run in sorted(runs)
        if (run / SUMS).exists() and not runs & set(run.parents)
    )
    write_text(folder / SUMS, begun.seal("".join([*digests, *ended])))


def sealed_by_sums(path: pathlib.Path) -> bool:
    """Whether a file is the one that SHA256SUMS beside it has the digest of."""
    return Verdict(path, "") in _sums(path.parent)


def verify(folder: str | pathlib.Path) -> Iterator[Verdict]:
    """Reads what a run has written, and yields a verdict for each file.

    Checkpoints and models are held to the digests in them, flags.txt to its own and to
    the newest sound checkpoint's, metrics.jsonl to that which this checkpoint has, and
    other files to SHA256SUMS, which a run writes when it ends.

    Args:
      folder: of a run, of several, or of a saved model.
    """
    folder = pathlib.Path(folder)
    yield from _checkpoints(folder / "checkpoints")
    if (folder / begun.NAME).exists() or (folder / "checkpoints").is_dir():
        yield _verdict(folder / begun.NAME, lambda: begun.read_sound(folder))
        yield _verdict(folder / "metrics.jsonl", lambda: _read_log(folder))
    gone = _verdict(folder / "checkpoints", lambda: begun.refuse_lost(folder))
    yield from [gone] * bool(gone.problem)
    if (folder / predict.NAME).exists():
        yield _verdict(folder / predict.NAME, lambda: _load_model(folder))
    yield from _sums(folder)
    for below in sorted(path for path in folder.iterdir() if path.is_dir()):
        if below.name != "checkpoints":
            yield from verify(below)


def _verdict(path: pathlib.Path, read: Callable[[], object]) -> Verdict:
    try:
        read()
    except (DataError, train.CheckpointError) as error:
        return Verdict(path, str(error).removeprefix(f"{path}: "))
    return Verdict(path, "")


def _checkpoints(folder: pathlib.Path) -> Iterator[Verdict]:
    checkpoints = train.Checkpoints(folder)

    def read(step: int) -> None:
        file, newest = checkpoints.read(step), checkpoints.newest()
        if newest is not None:
            flags = file.text.get("flags", ""), newest.about.get("flags", "")
            begun.refuse_other(file.path, *flags, checkpoints.path(newest.step).name)

    for step in checkpoints.steps():
        yield _verdict(checkpoints.path(step), lambda step=step: read(step))


def _load_model(folder: pathlib.Path) -> None:
    predict.load(folder)
    begun.refuse_other_model(folder)


def _read_log(folder: pathlib.Path) -> None:
    path, newest = folder / "metrics.jsonl", train.newest_checkpoint(folder)
    if newest is not None:
        read_bytes(path)  # a run that goes on may do without it, but it is missing
        log.sound_part(path, log.Mark.parse(newest.about["metrics"]))
    log.read(path)


def _sums(folder: pathlib.Path) -> Iterator[Verdict]:
    path = folder / SUMS
    if not path.exists():
        return
    try:
        lines = begun.unsealed(path).splitlines()
    except DataError as error:
        yield Verdict(path, str(error).removeprefix(f"{path}: "))
        return
    for run in (line.removeprefix(RUN) for line in lines if line.startswith(RUN)):
        if not (folder / run / SUMS).exists():
            yield Verdict(folder / run / SUMS, "missing")
    wanted = {
        folder / name: digest
        for digest, _, name in (x.partition("  ") for x in lines if x[:1] != "#")
    }
    for file, digest in wanted.items():
        if not file.exists():
            yield Verdict(file, "missing")
        else:
            sound = _sha256(file) == digest
            yield Verdict(file, "" if sound else f"not what {SUMS} has the digest of")


def _is_left(folder: pathlib.Path, path: pathlib.Path) -> bool:
    parts = path.relative_to(folder).parts
    return "checkpoints" not in parts and path.name not in OF_TRAINING


def _sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()
