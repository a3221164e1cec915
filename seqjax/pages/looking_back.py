"""Choose a letter, and see how much each earlier letter mattered."""

import pathlib
from collections.abc import Mapping

from seqjax.inspect.reading import Reading
from seqjax.pages.writing import write_page

ABOUT = (
    "Point at a letter, or move to one with the arrow keys. The stronger the colour of "
    "an earlier letter, the more the log-probability of the chosen letter would change "
    "if the network had read a slightly different embedding there: the colour is the "
    "norm of the gradient of log P(chosen letter) with respect to the embedding of the "
    "coloured one, after Madsen, “Visualizing memorization in RNNs” (Distill, 2019), "
    "as a share of the largest norm in that network's panel."
)


def connectivity(
    path: str | pathlib.Path,
    readings: Mapping[str, Reading],
    *,
    title: str,
    chosen: int | None = None,
    separator: str = "",
) -> None:
    """Writes a page in which a letter shows what its prediction looked back to.

    Args:
      path: of the HTML file.
      readings: of one text, by the name of the network that read it.
      title: of the page.
      chosen: the place of the token that is chosen at first; late in the text if None.
      separator: what stands between two tokens: "" for characters, " " for words.

    Raises:
      ValueError: there is no reading, their tokens differ, or a number is not finite.
      IndexError: there is no such place.
    """
    first = next(iter(readings.values()), None)
    if first is None:
        raise ValueError("a page of connectivity needs at least one reading")
    if any(reading.tokens != first.tokens for reading in readings.values()):
        raise ValueError("networks beside each other must read the same tokens")
    networks = [
        {
            "name": name,
            "logP": reading.log_p,
            "likeliest": reading.likeliest,
            "norms": [row[: t + 1] for t, row in enumerate(reading.connectivity)],
        }
        for name, reading in readings.items()
    ]
    at = 3 * len(first.tokens) // 4 if chosen is None else chosen
    data = {"tokens": first.tokens, "separator": separator, "networks": networks}
    data["chosen"] = range(len(first.tokens))[at]
    write_page(path, "connectivity", data, title=title, about=ABOUT)
