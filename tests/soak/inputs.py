"""Damaged files for every reader: each is read, or refused by one sentence.

``python -m tests.soak.inputs 100000`` reads so many and prints what came of them; with
``--first=N 1`` the N-th alone, with its traceback.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from typing import Any, NamedTuple

from .examples import ROOT, Format, formats
from .mutations import damaged

SECONDS = 10.0  # for a file
STUCK = 60.0  # seconds after which a process that goes on with nothing is ended
ADDRESSES = 4 * 2**30  # bytes that a process may take beyond what libraries take
GROWN = 900  # MB, by which it may grow while it reads a file
LONGEST = 500  # characters of a sentence, without paths
_STATE = struct.Struct("4q")  # files begun, read, refused; the most MB for one


class Outcome(NamedTuple):
    """What came of damaged files."""

    read: int
    refused: int  # by a DataError of one sentence
    other: list[dict[str, Any]]  # each with its index, format, kind and sentence
    megabytes: int  # the most by which a process grew while it read a file
    seconds: float

    def __str__(self) -> str:
        total = self.read + self.refused + len(self.other)
        kinds = collections.defaultdict(list)
        for found in self.other:
            kinds[f"{found['format']}: {found['kind']}"].append(found["index"])
        first = (
            f"{total:,} files in {self.seconds:.0f} s: {self.read:,} read, "
            f"{self.refused:,} refused, {len(self.other):,} neither; "
            f"{self.megabytes} MB at most for one"
        )
        lines = (f"  {len(i)} × {kind}, first {i[0]}" for kind, i in kinds.items())
        return "\n".join([first, *lines])


def fuzz(seed: int, count: int, only: str = "") -> Outcome:
    """Gives readers damaged files, in processes with bounds on time and memory.

    Args:
      seed: of the damages.
      count: of the files; the formats take turns.
      only: part of the names of the formats that are tried; all if empty.
    """
    began, first, totals, most = time.monotonic(), 0, [0, 0], 0
    other: list[dict[str, Any]] = []
    while first < count:
        (begun, *done, megabytes), problems, fate = _process(seed, first, count, only)
        totals = [total + more for total, more in zip(totals, done, strict=True)]
        most, first = max(most, megabytes), begun + 1
        other += problems
        if fate:
            other.append({"index": begun, "format": "?", "kind": fate, "sentence": ""})
    return Outcome(totals[0], totals[1], other, most, time.monotonic() - began)


def _process(seed: int, first: int, count: int, only: str):
    """Runs a process over files: its state, its problems, and how it died if it did."""
    with tempfile.TemporaryDirectory() as folder:
        state, problems = (pathlib.Path(folder, name) for name in ("state", "problems"))
        state.write_bytes(_STATE.pack(first, 0, 0, 0))
        problems.write_bytes(b"")
        command = [sys.executable, "-m", f"{__package__}.inputs", str(count - first)]
        command += [f"--seed={seed}", f"--first={first}", f"--only={only}"]
        paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        environment = {**os.environ, "PYTHONPATH": paths, "JAX_PLATFORMS": "cpu"}
        with pathlib.Path(folder, "errors").open("w+b") as errors:
            process = subprocess.Popen(
                [*command, f"--folder={folder}"], env=environment, stderr=errors
            )
            fate = _wait(process, state)
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
        if process.returncode and not fate:
            fate = f"dies with {process.returncode}: {(said or [''])[-1][:200]}"
        lines = problems.read_text("utf-8").splitlines()
        return _STATE.unpack(state.read_bytes()), list(map(json.loads, lines)), fate


def _wait(process: subprocess.Popen, state: pathlib.Path) -> str:
    """Waits for a process, and ends it if it goes on with nothing."""
    before, since = b"", time.monotonic()
    while process.poll() is None:
        if (now := state.read_bytes()) != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > STUCK:
            process.kill()
            process.wait()
            return "hangs"
        time.sleep(0.02)
    return ""


class _TooLong(BaseException):
    """The alarm rang."""


def _alarm(*_: Any) -> None:
    raise _TooLong


def _work(forms: list[Format], seed: int, first: int, count: int, folder: str) -> None:
    """Reads files from `first` on, and writes down what came of them."""
    state, problems = (pathlib.Path(folder, name) for name in ("state", "problems"))
    done, most = {"read": 0, "refused": 0}, 0
    with state.open("r+b") as file, problems.open("a", encoding="utf-8") as list_:
        for i in range(first, first + count):
            os.pwrite(file.fileno(), _STATE.pack(i, *done.values(), most), 0)
            before, peak = _resident(), _peak()
            kind, sentence = _outcome(forms[i % len(forms)], seed, i, folder)
            grown = _peak() - before if _peak() > peak else 0
            most = max(most, grown)
            kind = f"takes {grown} MB" if grown > GROWN else kind
            if kind in done:
                done[kind] += 1
                continue
            name = forms[i % len(forms)].name
            found = {"index": i, "format": name, "kind": kind, "sentence": sentence}
            list_.write(json.dumps(found) + "\n")
            list_.flush()
        os.pwrite(file.fileno(), _STATE.pack(first + count, *done.values(), most), 0)


def _outcome(form: Format, seed: int, i: int, folder: str) -> tuple[str, str]:
    """Writes the i-th damaged file, and has it read: what came of it, and why."""
    rng, at = random.Random(f"{seed}/{i}"), pathlib.Path(folder, form.name)
    name = rng.choice(sorted(form.files))
    raw = damaged(rng, form.files[name], list(form.files.values()))
    (at / name).write_bytes(raw)
    try:
        return _read(form, at)
    finally:
        (at / name).write_bytes(form.files[name])


def _read(form: Format, at: pathlib.Path) -> tuple[str, str]:
    from seqjax.data import DataError
    from seqjax.models.spec import SpecError

    path = ",".join(str(at / name) for name in form.path.split(","))
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        form.read(path if form.path else str(at))
    except (DataError, SpecError) as error:
        sentence = str(error)
        return _checked(sentence, at, isinstance(error, DataError)), sentence[:LONGEST]
    except (_TooLong, Exception) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {last.name}, {last.filename}:{last.lineno}"
        return kind, str(error)[:LONGEST]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "read", ""


def _checked(sentence: str, at: pathlib.Path, names: bool) -> str:
    """Whether a refusal is one sentence that names the file and can be printed."""
    if names and str(at) not in sentence:
        return "a sentence that names no file"
    if not sentence.isprintable():  # among what is not are lone surrogates
        return "a sentence that cannot be printed"
    if len(sentence.replace(str(at), "")) > LONGEST:
        return "a sentence that quotes too much"
    return "refused"


def _resident() -> int:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def _peak() -> int:
    """The most since this program began; what getrusage says may be its parent's."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _prepared(only: str, folder: str) -> list[Format]:
    """Writes the examples, reads each whole, which imports libraries; sets bounds."""
    forms = [form for form in formats() if only in form.name]
    for form in forms:
        for name, raw in form.files.items():
            path = pathlib.Path(folder, form.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
        if (found := _read(form, pathlib.Path(folder, form.name)))[0] != "read":
            raise SystemExit(f"the example of {form.name} is not read: {found}")
    signal.signal(signal.SIGALRM, _alarm)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    return forms


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    for name, kind, default in (("seed", int, 0), ("first", int, 0), ("only", str, "")):
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--folder", help="of a process that `fuzz` began")
    options = parser.parse_args()
    if not options.folder and not options.first:
        print(fuzz(options.seed, options.count, options.only))
        return
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as own:
        folder = options.folder or own
        pathlib.Path(folder, "state").touch()
        forms = _prepared(options.only, folder)
        _work(forms, options.seed, options.first, options.count, folder)
        if not options.folder:
            print(pathlib.Path(folder, "problems").read_text("utf-8"))


if __name__ == "__main__":
    main()
