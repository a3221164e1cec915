"""Both directions against one in a tagger, and what it waits for the whole sentence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import seqjax
from experiments.comparisons.common import (
    Finding,
    Request,
    against,
    reached,
    scored,
    sweeps,
)
from experiments.comparisons.waiting import measure
from experiments.name_entity.data import TABLE, Tagged
from seqjax.figures import drawing
from seqjax.figures.settings import draw_setting

TASK = "name_entity"
FLAGS = {
    "bidirectional": "true,false",
    "tags": "binary",
    "features": "32",
    "embedding": "32",
    "letter_features": "8",
    "steps": "250",
    "eval_every": "125",
    "buckets": "4",
    "split_seed": "0",
}
RATE = 2.5  # words a second in speech
NAMES = {"true": "both directions", "false": "one direction"}


def compare(request: Request) -> Finding:
    """Trains both, then asks them sentence by sentence and word by word."""
    (result,) = sweeps(request, TASK, {"directions": FLAGS}).values()
    rows = {NAMES[row["flags"]["bidirectional"]]: row for row in result["rows"]}
    models = {
        name: seqjax.load(request.folder / "directions" / row["folders"][0])
        for name, row in rows.items()
    }
    asked = (request.flags.get(name, (None,))[0] for name in ("dataset", "data"))
    held_out = TABLE.load(*asked).examples.test
    waited = words_waited(held_out)
    times = measure(models["both directions"], models["one direction"], held_out)
    draw(request, result, waited, times)
    table = [["reads in", "score", "baseline", "parameters", "words waited", "ms"]]
    for name, row in rows.items():
        both = name == "both directions"
        table.append(
            [
                name,
                reached(row),
                f"{row['baseline']:.4g}",
                f"{row['parameters']:,.0f}",
                f"{waited['mean'] if both else 0:.2f}",
                f"{times['typical'] if both else times['step']:.3g}",
            ]
        )
    numbers = {**result, "waited": waited, "milliseconds": times}
    return Finding(table, conclusion(rows, waited, times), numbers)


def words_waited(sentences: Sequence[Tagged]) -> dict[str, Any]:
    """How many words come after a word before the sentence is whole.

    Returns:
      The mean over words, the most, and the mean at each place in a sentence.
    """
    lengths = np.array([len(s.words) for s in sentences])
    places = np.arange(lengths.max())
    left = np.where(places < lengths[:, None], lengths[:, None] - 1 - places, np.nan)
    return {
        "mean": float(np.nanmean(left)),
        "most": int(lengths.max() - 1),
        "by_place": np.nanmean(left, axis=0).tolist(),
    }


def conclusion(
    rows: dict[str, dict[str, Any]], waited: dict[str, Any], times: dict[str, Any]
) -> str:
    """What the second direction gains, and what it costs."""
    both, one = rows["both directions"], rows["one direction"]
    return (
        f"Reading in both directions scores {reached(both)}, "
        f"{against(both['scores'], one['scores'])} the {reached(one)} of one. "
        f"Its tags wait for {waited['mean']:.1f} more words on average, "
        f"{waited['most']} at most: {waited['mean'] / RATE:.1f} s of speech at {RATE} "
        f"words a second. Then a typical sentence of {times['words']} words takes "
        f"{times['typical']:.3g} ms; one direction takes {times['step']:.3g} ms for "
        f"each word as it comes, and waits for none."
    )


def draw(
    request: Request,
    result: dict[str, Any],
    waited: dict[str, Any],
    times: dict[str, Any],
) -> None:
    """The scores, the words waited for, and the milliseconds of computing."""
    figure, (axes,) = drawing.canvas(1, 3, (16, 4.8))
    settings = [s._replace(values=_named(s.values)) for s in scored(result)]
    draw_setting(axes[0], settings, "reads in")
    drawing.label_axes(axes[0], "reads in", result["metric"])
    places = np.arange(1, len(waited["by_place"]) + 1)
    axes[1].plot(places, waited["by_place"], "C0.-", label="both directions")
    axes[1].plot(places, 0 * places, "C1.-", label="one direction")
    drawing.label_axes(
        axes[1], "place of a word in its sentence", "words waited for, mean"
    )
    lengths = np.array(list(times["by_length"]), float)
    whole = list(times["by_length"].values())
    axes[2].plot(lengths, whole, "C0.-", label="both directions")
    step = [times["step"]] * len(whole)
    axes[2].plot(lengths, step, "C1.-", label="one direction")
    axes[2].set_ylim(0)
    drawing.label_axes(
        axes[2],
        "words of the sentence",
        "computing, ms (median): a whole sentence, or one word",
    )
    for panel in axes[1:]:
        panel.grid(alpha=0.3)
    drawing.legend(*axes)
    title = f"both directions against one: score and latency; {request.seeds} seeds"
    drawing.write(figure, request.figure, title)


def _named(values: Any) -> dict[str, str]:
    return {"reads in": NAMES[values["bidirectional"]]}
