"""Dates as people write them in several languages, and as ISO 8601 does."""

import datetime

import numpy as np

from experiments.translation.pairs import Pair
from seqjax.extras import library

LOCALES = "en_GB en_US fr de es it pt nl sv pl tr fi".split()
FORMATS = "short medium long full".split()
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)


def draw_dates(seed: int, count: int) -> list[Pair]:
    """Draws days of 1950 to 2049, as Babel writes them by the Unicode CLDR.

    Day and month of a short date can change places between countries, so that not all
    can be told.

    Raises:
      MissingLibrary: Babel is not installed.
    """
    dates = library("babel.dates")
    rng = np.random.default_rng(seed)
    days = rng.integers((LAST - FIRST).days + 1, size=count).tolist()
    styles = rng.choice(FORMATS, count), rng.choice(LOCALES, count)
    drawn = []
    for day, style, locale in zip(days, *styles, strict=True):
        date = FIRST + datetime.timedelta(day)
        written = dates.format_date(date, str(style), locale=str(locale))
        drawn.append(Pair(written, date.isoformat()))
    return drawn
