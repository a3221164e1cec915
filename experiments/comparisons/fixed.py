"""The fixed network on padded input against a recurrent one, where places vary."""

import numpy as np

from experiments.comparisons.common import Finding, Flags, Request, against
from experiments.comparisons.networks import (
    FIXED,
    RECURRENT,
    fit,
    share_of_names,
    size,
)
from experiments.comparisons.shifted import make
from experiments.shared.errors import UsageError
from experiments.sweep.report import plus_minus
from seqjax import figures

FLAGS = {"steps": 400, "sentences": 2000, "batch_size": 64, "features": 32}
SHOWN: int = 2  # words in front of a sentence in training, at most
SHIFTS: tuple[int, ...] = (0, 1, 2, 3, 4, 6, 8, 12, 16)
LENGTHS = (10, 20, 40, 80, 160)
NAMES = (FIXED, RECURRENT)


def compare(request: Request) -> Finding:
    """Trains both on sentences near the start, and moves the held-out ones."""
    options = settings_of(request.flags)
    problems = [
        make(options["sentences"], SHOWN, SHIFTS, seed) for seed in range(request.seeds)
    ]
    request.begin()
    right = {
        name: np.array(
            [fit(request, name, p, i, options) for i, p in enumerate(problems)]
        )
        for name in NAMES
    }  # [seeds, shifts]
    baseline = [1 - share_of_names(p.test[SHIFTS[0]]) for p in problems]
    sizes = {
        name: [size(name, problems[0].size, length, options) for length in LENGTHS]
        for name in NAMES
    }
    draw(request, right, float(np.mean(baseline)), sizes)
    numbers = {
        "metric": f"share of words tagged right, {SHIFTS[-1]} words further on",
        "lower_is_better": False,
        "data": "synthetic",
        "cell": "gru",
        "steps": options["steps"],
        "score": float(right[RECURRENT][:, len(SHIFTS) - 1].mean()),
        "baseline": float(np.mean(baseline)),
        "baseline_name": "no word is a name",
        "shifts": SHIFTS,
        "right": {name: each.tolist() for name, each in right.items()},
        "lengths": LENGTHS,
        "sizes": sizes,
    }
    return Finding(table(right, sizes), conclusion(right, sizes), numbers)


def settings_of(flags: Flags) -> dict[str, int]:
    """The numbers of FLAGS, or those given.

    Raises:
      UsageError: there is no such flag, or its value is no whole number from 1 on.
    """
    options = dict(FLAGS)
    for name, values in flags.items():
        if name not in FLAGS:
            raise UsageError(f"--{name}: this comparison has {', '.join(FLAGS)}")
        if len(values) != 1 or not str(values[0]).isdecimal() or int(values[0]) < 1:
            raise UsageError(f"--{name}: give one whole number from 1 on")
        options[name] = int(values[0])
    return options


def table(right: dict[str, np.ndarray], sizes: dict[str, list[int]]) -> list[list[str]]:
    """A row a network: words right at each shift, parameters at two lengths."""
    heads = [f"+{shift}" for shift in SHIFTS]
    rows = [["words right, words in front", *heads, "parameters"]]
    for name, each in right.items():
        means = [f"{mean:.3f}" for mean in each.mean(axis=0)]
        ends = f"{sizes[name][0]:,} to {sizes[name][-1]:,}"
        rows.append([name, *means, ends])
    return rows


def conclusion(right: dict[str, np.ndarray], sizes: dict[str, list[int]]) -> str:
    """What becomes of each beyond the places of training."""
    fixed, recurrent = (right[name] for name in NAMES)
    growth = [sizes[name][-1] / sizes[name][0] for name in NAMES]
    return (
        f"Where sentences begin as in training, the fixed network tags "
        f"{_versus(fixed[:, 0], recurrent[:, 0])} of the recurrent one; {SHIFTS[-1]} "
        f"words further on it tags {_versus(fixed[:, -1], recurrent[:, -1])}. From "
        f"inputs of {LENGTHS[0]} words to {LENGTHS[-1]}, its parameters grow "
        f"{growth[0]:.1f} times, those of the recurrent one {growth[1]:.1f} times."
    )


def _versus(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Shares of words right of two networks, seed by seed: [seeds] each."""
    first, second = (
        plus_minus(float(a.mean()), float(a.std(ddof=1)) if len(a) > 1 else None)
        for a in (ours, theirs)
    )
    differ = against(ours.tolist(), theirs.tolist())
    return f"{first} of words right, {differ} the {second}"


def draw(
    request: Request,
    right: dict[str, np.ndarray],
    baseline: float,
    sizes: dict[str, list[int]],
) -> None:
    """Words right against the shift, and parameters against the length."""
    shift, length = "words in front of the sentence", "length of the input, words"
    right_at = [
        figures.Setting({shift: str(n), "": name}, each[:, i].tolist(), baseline)
        for name, each in right.items()
        for i, n in enumerate(SHIFTS)
    ]
    size_at = [
        figures.Setting({length: str(n), "": name}, [size])
        for name, each in sizes.items()
        for n, size in zip(LENGTHS, each, strict=True)
    ]
    panels = [
        (shift, "held-out words tagged right, share", right_at),
        (length, "parameters of the network", size_at),
    ]
    title = f"sentences further on than in training (up to {SHOWN} words in front)"
    name = "no word is a name"
    figures.panels_by_setting(request.figure, panels, title=title, baseline=name)
