"""Compiled programs that are kept on disk, so that another process needs not compile.

JAX has a persistent compilation cache. What it stores is taken up by these files, which
differ from JAX's own in what can go wrong with them: a program is renamed into place
whole, so that processes may share a folder; each begins with the digest of the rest,
so that a damaged one is compiled anew; a folder that cannot be written is said once,
and read as far as it goes; what was not used for long is deleted.
"""

import contextlib
import hashlib
import os
import pathlib
import platform
import tempfile
import warnings
from typing import Any

import jax
import platformdirs
from jax.experimental.compilation_cache import compilation_cache

BYTES = 2**30  # that are kept; the programs used last stay
_DIGEST = hashlib.sha256().digest_size  # bytes
_ENDING = ".program"
_REFUSED = "refused"  # a file that says that JAX took no program of this folder


def use_compilation_cache(folder: str | pathlib.Path | None = None) -> None:
    """Makes JAX keep compiled programs in a folder, and take them from it.

    Call it before anything is compiled. The folder is trusted: who can write there can
    have this process run their code.

    A processor may lack instructions that another one has, so each kind of processor
    has a folder of its own in it. JAX itself keeps programs apart that were compiled
    by other versions of it or with other options.

    Args:
      folder: where they are; by default where JAX was told before (as by
        JAX_COMPILATION_CACHE_DIR, whose files are left as JAX has them), or else the
        user's cache folder. "none" keeps none.
    """
    if folder == "none":
        jax.config.update("jax_enable_compilation_cache", False)
        return
    if folder is None and getattr(jax.config, "jax_compilation_cache_dir", ""):
        return
    whole = pathlib.Path(folder or platformdirs.user_cache_path("seqjax") / "programs")
    here = whole.absolute() / _processor()
    _delete_oldest(whole)
    if (here / _REFUSED).exists():
        return
    jax.config.update("jax_compilation_cache_dir", str(here))
    # Reading a small program, too, takes a tenth of the time to compile it.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    warnings.filterwarnings("ignore", "Error reading persistent compilation cache")
    compilation_cache.reset_cache()
    _take_up(Programs(here))


class Programs:
    """What JAX asks for programs by their keys.

    Args:
      folder: where they are; it need not exist.
    """

    def __init__(self, folder: pathlib.Path):
        self._path = folder
        self._given: set[str] = set()
        self._writes = self._reads = True

    def get(self, key: str) -> bytes | None:
        """Returns a program, or None where there is no sound one."""
        path = self._path / (key + _ENDING)
        if not self._reads:
            return None
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        content = raw[_DIGEST:]
        if raw[:_DIGEST] != hashlib.sha256(content).digest():
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of its last use
        self._given.add(key)
        return content

    def put(self, key: str, value: bytes) -> None:
        """Writes a program whole or not at all."""
        if key in self._given and self._reads:
            # Some versions of XLA refuse what they wrote on this very machine
            # (jax-ml/jax#38445), and say so for every program.
            self._reads = self._writes = False
            with contextlib.suppress(OSError):
                (self._path / _REFUSED).touch()
        if not self._writes:
            return
        try:
            self._write(key, value)
        except OSError as error:
            self._writes = False
            warnings.warn(
                f"{self._path}: compiled programs cannot be kept here: "
                f"{error.strerror or error}",
                stacklevel=2,
            )

    def _write(self, key: str, value: bytes) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        partial, name = tempfile.mkstemp(dir=self._path)
        try:
            with os.fdopen(partial, "wb") as file:
                file.write(hashlib.sha256(value).digest() + value)
            os.replace(name, self._path / (key + _ENDING))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


def _take_up(programs: Programs) -> None:
    """Has JAX ask these files in place of its own; a later JAX may not, and uses its.

    JAX has no public way to do so.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from jax._src import compilation_cache as private

        own: Any = private.get_file_cache

        def get_file_cache(path: str):
            mine = path == str(programs._path)
            return (programs, path) if mine else own(path)

        private.get_file_cache = get_file_cache


def _processor() -> str:
    """A name for what the processor can do."""
    text = f"{platform.system()} {platform.machine()} {platform.processor()}"
    with contextlib.suppress(OSError):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        known = ("model name", "flags", "Features")
        text += "".join(sorted({line for line in lines if line.startswith(known)}))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _delete_oldest(folder: pathlib.Path) -> None:
    """Deletes the programs that were not used for longest, if there are too many."""
    found = []
    for path in folder.glob(f"*/*{_ENDING}"):
        with contextlib.suppress(OSError):  # another process deletes as well
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    left = sum(size for _, size, _ in found)
    if left > BYTES:
        for _, size, path in sorted(found):
            with contextlib.suppress(OSError):
                path.unlink()
            left -= size
            if left <= BYTES // 2:
                break
