"""Trainings at several distances: how far what is learned reaches."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.shared.errors import UsageError
from experiments.shared.ranges import whole_numbers

LEARNED = 0.9  # a share of right answers


def distances_of(options: Any) -> list[int]:
    """The distances of --distances, the smallest first.

    Raises:
      UsageError: one is no whole number from 2 on, or there is none.
    """
    distances = sorted(set(whole_numbers(options, "distances")))
    if not distances or distances[0] < 2:
        raise UsageError("--distances: give whole numbers from 2 on, as in 10,20,40")
    return distances


def by_cell(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, list[float]]]:
    """The shares that each seed learned, by cell and distance.

    Args:
      results: of runs, with "cell" and the shares by distance, "learned".
    """
    cells: dict[str, dict[int, list[float]]] = {}
    for result in results:
        of_cell = cells.setdefault(result["cell"], {})
        for distance, share in result["learned"].items():
            of_cell.setdefault(int(distance), []).append(share)
    return cells


def in_words(learned: Mapping[int, Sequence[float]]) -> str:
    """How many seeds learn each distance."""
    counts = (
        f"distance {distance} by {sum(share >= LEARNED for share in shares)} of "
        f"{len(shares)}"
        for distance, shares in learned.items()
    )
    return "seeds that learn: " + ", ".join(counts)
