"""flags.txt: what a run was begun with, sealed by a digest, and what may change."""

import contextlib
import hashlib
import pathlib
import re
import shutil
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from experiments.shared.errors import UsageError
from experiments.shared.flags import CHANGEABLE
from seqjax import predict, sealed, train
from seqjax.data import DataError
from seqjax.data.files import read_bytes
from seqjax.data.writing import whole_file, write_text
from seqjax.extras import MissingLibrary

NAME, DATA, SEAL = "flags.txt", "# data: ", "# sha256 of the lines above: "


class Begun(NamedTuple):
    """What a run was begun with."""

    lines: list[str]  # of a flagfile
    data: str  # the digest of its data; empty where it has none


class Unsound(DataError):
    """A sealed text is missing or damaged."""


def holds_run(folder: pathlib.Path) -> bool:
    """Whether something was begun in a folder."""
    return (folder / NAME).exists() or bool(_checkpoints(folder).steps())


def is_only_begun(folder: pathlib.Path, asked: Begun) -> bool:
    """Whether a folder holds nothing to go on with but the very flags that are asked.

    Such is a run that was killed before its first checkpoint, or that has none.
    """
    if has_checkpoints(folder) or (folder / "result.json").exists():
        return False
    try:
        return _of_text(unsealed(folder / NAME)) == asked
    except Unsound:
        return False


def has_checkpoints(folder: pathlib.Path) -> bool:
    """Whether a run, or a part of it, has anything to go on with."""
    return any(folder.rglob(f"checkpoints/*{train.SUFFIX}"))


def refuse_begun(folder: pathlib.Path, resume: bool) -> None:
    """Refuses a folder that holds a run, unless that is to go on.

    Raises:
      UsageError: names the flag.
    """
    if not resume and holds_run(folder):
        raise UsageError(
            f"--workdir: {folder} holds a run already; go on with it by --resume, or "
            f"name another folder"
        )


def refuse_lost(folder: pathlib.Path, checkpoint_every: int = 2**62) -> None:
    """Refuses to begin anew in a folder that shows more than its checkpoints do.

    Args:
      folder: of a run, or where one is to be.
      checkpoint_every: steps between checkpoints from now on; flags.txt has those of
        until now.

    Raises:
      CheckpointError: they are gone, though metrics.jsonl or result.json shows that
        there were some.
    """
    if has_checkpoints(folder):
        return
    path = folder / NAME
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    until_now = re.findall(r"^--checkpoint_every=(\d+)$", text, re.MULTILINE)
    train.refuse_lost(folder, min([checkpoint_every, *map(int, until_now)]))
    result = folder / "result.json"
    if result.exists() and b'"best_step"' in read_bytes(result):  # it trained
        raise train.CheckpointError(
            f"{folder}: its checkpoints are gone, though result.json says that it has "
            f"ended; put them back, name another folder, or delete result.json to "
            f"begin anew"
        )


def flags_of(text: str, data: str) -> Begun:
    """What a run with these lines of a flagfile, and data, would be begun with."""
    return Begun(text.split("\n")[:-1], data)


def sealed_text(flags: str, data: str = "") -> str:
    """Flags as the text of a flags.txt, which absl reads as a flagfile."""
    return seal(flags + (f"{DATA}{data}\n" if data else ""))


def seal(text: str) -> str:
    """Text with a last line, a comment, that has the digest of those above."""
    return f"{text}{SEAL}{_digest(text)}\n"


@contextlib.contextmanager
def begin(folder: pathlib.Path, flags: str, new: bool) -> Iterator[None]:
    """Writes flags.txt, and takes it back if nothing can go on with these flags.

    Args:
      folder: that is there.
      flags: the lines of a flagfile.
      new: whether the folder was made for this.
    """
    path = folder / NAME
    before = path.read_bytes() if path.exists() else None
    write_text(path, sealed_text(flags))
    try:
        yield
    except (UsageError, DataError, MissingLibrary, MemoryError, OSError):
        if before is not None:
            with whole_file(path) as partial:
                partial.write_bytes(before)
        elif {found.name for found in folder.iterdir()} <= {NAME, ".lock"}:
            path.unlink()
            if new:
                shutil.rmtree(folder)
        raise


def read_flags(folder: pathlib.Path) -> Begun:
    """Reads what a run was begun with; no file is changed.

    If flags.txt is missing or damaged, the flags are those that the newest sound
    checkpoint has kept, and a warning says so.

    Raises:
      UsageError: there is no run.
      DataError: flags.txt is damaged and there is no checkpoint, or it is not of the
        run that the checkpoint is of.
    """
    if not holds_run(folder):
        raise UsageError("--resume: needs a --workdir that holds a run")
    kept = _checkpoints(folder).newest()
    try:
        return read_sound(folder)
    except Unsound as error:
        if kept is None or "flags" not in kept.about:
            raise
        warnings.warn(
            f"{error}: taken from the checkpoint of step {kept.step} instead",
            stacklevel=2,
        )
        return _of_text(kept.about["flags"])


def read_sound(folder: pathlib.Path) -> Begun:
    """Reads flags.txt.

    Raises:
      Unsound: it is missing or damaged.
      DataError: it is not of the run that the newest sound checkpoint is of.
    """
    path, kept = folder / NAME, _checkpoints(folder).newest()
    text = unsealed(path)
    if kept is not None:
        known = kept.about.get("flags", "")
        refuse_other(path, text, known, f"checkpoints/{kept.step}{train.SUFFIX}")
    return _of_text(text)


def refuse_other_model(folder: pathlib.Path) -> None:
    """Refuses a model in the folder of a run that is not the one it was saved by.

    Raises:
      DataError: flags that may not change are not the same, or the data.
    """
    path = folder / predict.NAME
    said = sealed.read(path).text.get("flags", "")
    with contextlib.suppress(Unsound):  # the model is sound all the same
        refuse_other(path, said, unsealed(folder / NAME), NAME)


def refuse_other(path: pathlib.Path, said: str, known: str, where: str) -> None:
    """Refuses a file that says of its run other things than another file does.

    Args:
      path: of the file.
      said: by it, the text of a flags.txt; if it says nothing, it is not refused.
      known: the text that the other one has.
      where: the name of the other one.

    Raises:
      DataError: flags that may not change are not the same, or the data.
    """
    if said and known and (other := difference(*map(_of_text, (said, known)))):
        raise DataError(f"{path}: of another run than {where}: {other}")


def _checkpoints(folder: pathlib.Path) -> train.Checkpoints:
    return train.Checkpoints(folder / "checkpoints")


def unsealed(path: pathlib.Path) -> str:
    """Reads what `seal` made, without the seal.

    Raises:
      Unsound: it is missing or damaged.
    """
    try:
        text, _, digest = read_bytes(path).decode().rpartition(SEAL)
    except UnicodeDecodeError:
        text, digest = "", ""
    except DataError as error:
        raise Unsound(str(error)) from None
    if digest != f"{_digest(text)}\n":
        raise Unsound(f"{path}: damaged, or changed by hand")
    return text


def _of_text(text: str) -> Begun:
    lines = text.split("\n")[:-1]
    data = "".join(x.removeprefix(DATA) for x in lines if x.startswith(DATA))
    return Begun([line for line in lines if not line.startswith("#")], data)


def difference(one: Begun, other: Begun) -> str:
    """What sets apart two runs, or nothing."""
    mine, theirs = _fixed(one), _fixed(other)
    for name in {**mine, **theirs}:
        if mine.get(name) != theirs.get(name):
            return f"{mine.get(name, 'no ' + name)}, not {theirs.get(name, 'that')}"
    return "" if one.data == other.data else "other data"


def _fixed(begun: Begun) -> dict[str, str]:
    """The lines of flags that may not change, by the names of the flags."""
    named = ((line.lstrip("-").partition("=")[0], line) for line in begun.lines)
    return {
        name: line
        for name, line in named
        if not {name, name.removeprefix("no")} & CHANGEABLE
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
