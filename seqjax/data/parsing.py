"""Numbers, columns and JSON of files: what is written there, and nothing like it.

Python's own `int` and `float` also take what nobody writes into a data file, such as
"1_000", "infinity", digits of every script, and the control characters that Unicode
counts as white space.
"""

import codecs
import csv
import json
import math
import re
from typing import Any

from seqjax.data.files import DataError, check_fits, decoded
from seqjax.data.quoting import reason, shown

LARGEST = 3.4028234663852886e38  # of 32 bits, in which all is computed
FIELD = 131_072  # characters of a field that the csv module reads
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_OBJECT = 32  # bytes for each byte of JSON, at the worst: "[[],[],[],…"


def is_number(text: str) -> bool:
    """Whether a text is a decimal number, however large; blanks may stand around it.

    Example:
      >>> [is_number(text) for text in (" -1.5e3", "1_000", "nan", "4\\x1c")]
      [True, False, False, False]
    """
    return bool(_NUMBER.fullmatch(text.strip(" \t")))


def number(text: str, where: str, what: str = "") -> float:
    """Reads a decimal number that 32 bits can hold.

    Args:
      text: digits of ASCII with a point, a sign and an exponent if you like; blanks and
        tabs may stand around it.
      where: the file and line, for the message.
      what: the number is, for the message.

    Raises:
      DataError: it is something else, or larger than `LARGEST`.
    """
    value = float(text) if is_number(text) else math.nan
    if abs(value) <= LARGEST:
        return value
    said = f"{what} {shown(text)}".strip()
    if math.isnan(value):
        raise DataError(f"{where}: {said} is no finite number")
    raise DataError(f"{where}: {said} is beyond the numbers of 32 bits")


def whole_number(text: str, where: str, what: str = "") -> int:
    """Reads a whole number from 0 on, of up to 18 digits; arguments as of `number`.

    Raises:
      DataError: it is something else.
    """
    if not _WHOLE.fullmatch(text.strip(" \t")):
        said = f"{what or 'this'} must be a whole number, not {shown(text)}"
        raise DataError(f"{where}: {said}")
    return int(text)


def columns(line: str, where: str, delimiter: str = ",") -> list[str]:
    """Splits a line of CSV; a field in quotes ends on its line.

    Raises:
      DataError: a quotation mark is not closed, or stands in the middle of a field, or
        a field is too long. The message begins with `where`.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise DataError(
                f"{where}: unexpected end of a quoted field: a quotation mark is not "
                f"closed, or the field goes on over a line's end"
            ) from None
        raise DataError(f"{where}: {reason(error)}") from None


def parse_json(raw: bytes, path: object) -> Any:
    """Reads JSON in UTF-8.

    Raises:
      DataError: it is none, is nested too deeply, or holds NaN, half a character (a
        lone surrogate), or more than fits into memory.
    """
    check_fits(_OBJECT * len(raw), path, "what is in it")
    text = decoded(raw.removeprefix(codecs.BOM_UTF8), path, 1)
    try:
        value = json.loads(text, parse_constant=_refuse)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise DataError(f"{path}: no readable JSON: it is nested too deeply") from None
    except UnicodeEncodeError:
        raise DataError(
            f"{path}: no readable JSON: half of a character (a lone surrogate)"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: no readable JSON: {reason(error)}") from None
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
