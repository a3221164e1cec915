"""What was learned, beside chance: scores of held-out sequences, and by length."""

import math
from typing import Any

import numpy as np

from experiments.memory.batches import TEST
from experiments.memory.model import answers, by_input, share_right, whole
from experiments.memory.problems import BLANK, COPIED, KINDS, Drawn, Problem
from seqjax.predict import VectorPredictor

HELD_OUT = 256  # sequences, where all have one length
BINS = 32  # of a curve over lengths, at most


def test_set(problem: Problem, seed: int, length: int) -> Drawn:
    """Held-out sequences of a length; where sizes differ, one of each up to it."""
    if not problem.ragged:
        return problem.sequences([seed, TEST], HELD_OUT, length)
    rng = np.random.default_rng([seed, TEST])
    return problem.draw(rng, np.arange(1, length + 1))


def score(
    predictor: VectorPredictor, problem: Problem, valid: Drawn, test: Drawn, length: int
) -> dict[str, Any]:
    """The score of held-out sequences, the chance level, and what else is told.

    Args:
      predictor: the trained model.
      problem: what it learned.
      valid: to count in, what the baseline of bits says.
      test: from `test_set`.
      length: of training. Where sizes differ and there are some beyond it, the score
        is of these.
    """
    if not problem.ragged:
        return _score_of_one_length(predictor, problem, valid, test)
    beyond = len(test.mask) > length
    asked = _rows(test, np.arange(length * beyond, len(test.mask)))
    right = whole(answers(predictor, problem, test))
    wrong = np.flatnonzero(~right)
    return {
        "metric": "share of strings right throughout"
        + f", n = {length + 1} to {len(test.mask)}" * beyond,
        "lower_is_better": False,
        "score": float(right[length * beyond :].mean()),
        "baseline": float(whole(by_input(problem, valid, asked)).mean()),
        "baseline_name": "what follows each symbol most often",
        "best_possible": 1.0,
        "within": float(right[:length].mean()),
        "all_right_up_to": int(wrong[0]) if len(wrong) else len(right),
    }


def _score_of_one_length(
    predictor: VectorPredictor, problem: Problem, valid: Drawn, test: Drawn
) -> dict[str, Any]:
    found = answers(predictor, problem, test)
    numbers = {"sequences_right": float(whole(found).mean())}
    if problem.kind == "bits":
        return numbers | {
            "metric": "share of right bits",
            "lower_is_better": False,
            "score": share_right(found),
            "baseline": share_right(by_input(problem, valid, test)),
            "baseline_name": "the more frequent bit for what is read at a step",
            "best_possible": 1.0,
        }
    chance, name = _chance(problem, test)
    numbers["of_chance"] = found.loss / chance
    if problem.kind == "classes":
        asked = test._replace(mask=test.targets != BLANK)
        recalled = answers(predictor, problem, asked)
        numbers |= {
            "recall_nats": recalled.loss,
            "recall_nats_by_chance": np.log(KINDS),
        }
        numbers["symbols_right"] = share_right(recalled)
    metrics = {"classes": "nats per step", "numbers": "squared error of the sum"}
    return numbers | {
        "metric": metrics[problem.kind],
        "lower_is_better": True,
        "score": found.loss,
        "baseline": chance,
        "baseline_name": name,
        "best_possible": 0.0,
    }


def _chance(problem: Problem, test: Drawn) -> tuple[float, str]:
    """The chance level, and who reaches it."""
    if problem.kind == "classes":
        level = COPIED * math.log(KINDS) / test.mask.shape[1]
        return level, "blanks, then a guess at each symbol: 10 ln 8 / (T + 20)"
    sums = test.targets[test.mask]
    return float(np.mean((sums - 1) ** 2)), "always 1, the mean of the sums"


def by_length(
    predictor: VectorPredictor,
    problem: Problem,
    test: Drawn,
    length: int,
    chance: float,
) -> dict[str, Any] | None:
    """What is right against the size or the step, in bins; None if lengths are one."""
    if problem.kind != "bits":
        return None
    found = answers(predictor, problem, test)
    shares = whole(found) if problem.ragged else found.right.mean(axis=(0, 2))
    groups = np.array_split(np.arange(1, len(shares) + 1), min(BINS, len(shares)))
    return {
        "unit": problem.size,
        "trained": length,
        "chance": chance,
        "x": [float(group.mean()) for group in groups],
        "right": [float(shares[group - 1].mean()) for group in groups],
    }


def _rows(drawn: Drawn, rows: np.ndarray) -> Drawn:
    return Drawn(*(part[rows] for part in drawn))


def in_words(found: dict[str, Any]) -> str:
    """Says the score beside chance."""
    words = f"{found['metric']} {found['score']:.4g}, {found['baseline']:.4g} by chance"
    if "of_chance" in found:
        words += f" ({found['of_chance']:.1%} of it)"
    if "sequences_right" in found:
        words += f"; {found['sequences_right']:.1%} of sequences are wholly right"
    if "all_right_up_to" in found:
        words += f"; all are right up to n = {found['all_right_up_to']}"
    return words
