"""Errors of the command line, each of which ends the process with one sentence."""

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import NoReturn

import jax
from absl import flags

from seqjax import train
from seqjax.data import DataError
from seqjax.extras import MissingLibrary
from seqjax.memory import DoesNotFit
from seqjax.train.signals import exit_code, obeyed

PIPE = 141  # of a process that SIGPIPE has ended


class UsageError(Exception):
    """A flag that cannot be; its message names the flag."""


_folders: list[pathlib.Path] = []  # of this process, the outermost first


def remember(folder: pathlib.Path) -> None:
    """Has the sentences from now on say how the run in a folder goes on."""
    _folders.append(folder)


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Ends the process with one sentence for whatever a user may have caused."""
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with obeyed():
            yield
            sys.stdout.flush()
    except (flags.Error, UsageError, MissingLibrary) as error:
        stop(str(error), 2)
    except DoesNotFit as error:
        stop(f"{error}; lower a size such as --features or --batch_size", 2)
    except (
        DataError,
        train.CheckpointError,
        train.NonFinite,
        train.PeerLost,
    ) as error:
        stop(str(error), 1)
    except train.Interrupted as error:
        stop(f"interrupted by {error}", error.code)
    except KeyboardInterrupt as error:
        name = str(error) or "SIGINT"
        how = _how_to_go_on() or " before there was anything to save"
        stop(f"interrupted by {name}{how}", exit_code(name))
    except BrokenPipeError:  # whoever was reading has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        stop(f"{where}{error.strerror or error}{_how_to_go_on()}", 1)
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        if isinstance(error, jax.errors.JaxRuntimeError) and "EXHAUSTED" not in str(
            error
        ):
            raise
        stop(f"there is too little memory{_how_to_go_on()}", 1)


def _how_to_go_on() -> str:
    """How what was saved is gone on with; nothing if there is no checkpoint."""
    for folder in _folders:
        if any(folder.glob("checkpoints/*")) or any(folder.glob("*/checkpoints/*")):
            return f"; go on with --resume --workdir={_folders[0]}"
    return ""


def stop(sentence: str, code: int) -> NoReturn:
    """Ends the process with a sentence on standard error."""
    with contextlib.suppress(BrokenPipeError):
        print(f"error: {sentence}".replace("\n", " "), file=sys.stderr)
    sys.exit(code)
