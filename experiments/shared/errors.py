"""Errors of the command line, each of which ends the process with one sentence."""

import contextlib
import sys
from collections.abc import Iterator
from typing import NoReturn

from absl import flags

from seqjax import train
from seqjax.data import DataError
from seqjax.extras import MissingLibrary
from seqjax.memory import DoesNotFit


class UsageError(Exception):
    """A flag that cannot be; its message names the flag."""


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Ends the process with one sentence for whatever a user may have caused."""
    try:
        yield
    except (flags.Error, UsageError, MissingLibrary) as error:
        stop(str(error), 2)
    except DoesNotFit as error:
        stop(f"{error}; lower a size such as --features", 2)
    except (DataError, train.CheckpointError, train.NonFinite) as error:
        stop(str(error), 1)
    except train.Interrupted as error:
        stop(f"interrupted by {error}", 130)
    except KeyboardInterrupt:
        stop("interrupted before there was anything to save", 130)


def stop(sentence: str, code: int) -> NoReturn:
    """Ends the process with a sentence on standard error."""
    print(f"error: {sentence}".replace("\n", " "), file=sys.stderr)
    sys.exit(code)
