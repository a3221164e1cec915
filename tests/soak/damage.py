"""Files that are damaged at random are noticed, or what is read is the same."""

import collections
import pathlib
import shutil
import warnings
from typing import Any, NamedTuple

import numpy as np

from experiments.shared import begun
from experiments.shared.run import load_model
from experiments.shared.verifying import verify
from seqjax import predict, sealed, train
from seqjax.data import DataError
from seqjax.predict import LanguagePredictor
from seqjax.train import log

USED = "flags.txt metrics.jsonl model.safetensors checkpoints/*".split()


class Damages(NamedTuple):
    """What became of damaged files."""

    outcomes: dict[str, int]  # by the kind of damage and what became of it
    silent: list[str]  # damages after which other things were read without a word
    overlooked: list[str]  # damages that `verify` did not see


def damage(seed: int, times: int, run: pathlib.Path, other: pathlib.Path) -> Damages:
    """Damages one file at a time, reads what a run would go on with, and mends it.

    Args:
      seed: of the damages.
      times: how many there are; three in four are a flipped bit.
      run: the folder of a finished run with two checkpoints.
      other: that of another one, for files to be swapped.
    """
    rng, outcomes = np.random.default_rng(seed), collections.Counter()
    silent, overlooked = [], []
    paths = [path for path in sorted(run.rglob("*")) if path.is_file()]
    paths = [path for path in paths if path.stat().st_size]
    used = [path for path in paths if any(path.match(f"{run.name}/{u}") for u in USED)]
    sound = read(run)
    for _ in range(times):
        some = used if rng.random() < 0.8 else paths
        path = some[rng.integers(len(some))]
        content = path.read_bytes()
        kind = _damage(path, rng, other / path.relative_to(run))
        outcome = _outcome(run, path, sound)
        outcomes[f"{kind}: {outcome}"] += 1
        name = f"{path.relative_to(run)}, {kind}"
        if outcome == "silent":
            silent.append(name)
        if not any(v.problem for v in verify(run)) and path.exists():
            overlooked.append(name)
        path.write_bytes(content)
    return Damages(dict(outcomes), silent, overlooked)


def read(run: pathlib.Path) -> dict[str, Any]:
    """What a run would go on with, and what its model is asked with."""
    flags = begun.read_flags(run)
    checkpoints = train.Checkpoints(run / "checkpoints")
    found = checkpoints.newest_sound(warnings.warn)
    if found is None:
        raise DataError(f"{checkpoints.folder}: no checkpoint is left")
    step, file = found
    history = log.sound_part(
        run / "metrics.jsonl", log.Mark.parse(file.text["metrics"])
    )
    load_model(str(run), LanguagePredictor)
    model = sealed.read(run / predict.NAME)
    return {
        "flags": flags,
        "step": step,
        "checkpoint": (file.text, _bytes(file)),
        "history": history,
        "model": (model.text, _bytes(model)),
    }


def _bytes(file: sealed.Sealed) -> dict[str, bytes]:
    return {name: bytes(array["data"]) for name, array in file.arrays.items()}


def _damage(path: pathlib.Path, rng: np.random.Generator, swapped: pathlib.Path) -> str:
    """Damages a file, and says how."""
    content = bytearray(path.read_bytes())
    kinds = ["cut short", "emptied", "removed", "swapped"]
    kind = "a bit flipped" if rng.random() < 0.75 else kinds[rng.integers(len(kinds))]
    if kind == "removed":
        path.unlink()
    elif kind == "swapped" and swapped.exists():
        shutil.copy(swapped, path)
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind == "a bit flipped":
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
        path.write_bytes(content)
    else:
        kind = "cut short"
        path.write_bytes(content[: rng.integers(len(content))])
    return kind


def _outcome(run: pathlib.Path, path: pathlib.Path, sound: dict[str, Any]) -> str:
    """What becomes of what is read."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = read(run)
        except (DataError, train.CheckpointError) as error:
            named = path.name in str(error) or path.parent.name in str(error)
            return "refused" if named else f"refused without its name: {error}"
    warned = any(path.name in str(warning.message) for warning in caught)
    if found == sound:
        return "the same is read, with a warning" if warned else "the same is read"
    if warned and (path.name == "metrics.jsonl" or found["step"] < sound["step"]):
        return "gone on without it, with a warning"
    if not path.exists() and found["step"] < sound["step"]:
        return "gone on from the checkpoint before"
    return "silent"
