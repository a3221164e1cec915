"""Which of the things it may have heard did they say? "The apple and pair salad."

A recogniser of speech gives several hypotheses for each utterance, with acoustic
scores; a language model knows which of them people say. This ranks them by

    acoustic score + weight * log P(text)

with the weight chosen on one half of the utterances, and counts how often the truth
comes first on the other half, before and after.

    python -m experiments.rescoring --model=runs/bible
    python -m experiments.rescoring --model=runs/bible --data=nbest.tsv

where --model is the --workdir of an experiments.language_model run. Writes into the
run's folder: ranked.tsv, figures/weight.png, result.json.
"""

import itertools
import math
import time
from typing import NamedTuple

import numpy as np
from absl import flags

from experiments import common, trained
from experiments.rescoring.data import Hypothesis
from seqjax.data import DataError, load
from seqjax.figures import curves

for shared in ("workdir", "quiet", "seed", "data", "dataset"):
    flags.declare_key_flag(shared)
common.describe_data(
    "rescoring", "Columns by tab: utterance, acoustic score, text, 1 if it is true."
)
MODEL = flags.DEFINE_string("model", None, "The folder of a trained language model.")
FLAGS = flags.FLAGS
WEIGHTS = (0.0, *np.geomspace(0.01, 10, 31).tolist())
DEMONSTRATION = "The apple and pair salad.", "The apple and pear salad."


class Lists(NamedTuple):
    """Hypotheses with their scores; equal `utterance` is one list."""

    utterance: np.ndarray  # [N] integers, in order
    acoustic: np.ndarray  # [N], nats
    language: np.ndarray  # [N], log P by a model, nats
    is_true: np.ndarray  # [N] bool


def ranked(lists: Lists, weight: float) -> np.ndarray:
    """The order of the hypotheses: list by list, the best first."""
    scores = lists.acoustic + weight * lists.language
    return np.lexsort((-scores, lists.utterance))


def first_is_true(lists: Lists, weight: float) -> float:
    """How often the truth comes first; where scores are equal, by chance."""
    scores = lists.acoustic + weight * lists.language
    right = []
    for start, end in itertools.pairwise(borders(lists.utterance)):
        best = scores[start:end] == scores[start:end].max()
        right.append(float((best & lists.is_true[start:end]).sum() / best.sum()))
    return float(np.mean(right))


def borders(utterance: np.ndarray) -> list[int]:
    """Where each list begins, and the end."""
    return [0, *(np.flatnonzero(np.diff(utterance)) + 1).tolist(), len(utterance)]


def halves(lists: Lists, seed: int) -> tuple[Lists, Lists]:
    """Half of the utterances to choose the weight by, and the others."""
    count = int(lists.utterance.max()) + 1
    chosen = np.random.default_rng(seed).permutation(count) < count // 2
    return tuple(
        Lists(*(column[side[lists.utterance]] for column in lists))
        for side in (chosen, ~chosen)
    )


def best_weight(lists: Lists) -> float:
    """The weight that puts the truth first most often; the smallest of equals."""
    return max(WEIGHTS, key=lambda weight: (first_is_true(lists, weight), -weight))


def frequency(text: str, words: dict[str, int]) -> float:
    """log P by the frequency of each word, one added to every count."""
    total = sum(words.values()) + len(words) + 1
    return sum(math.log((words.get(word, 0) + 1) / total) for word in text.split())


def as_lists(hypotheses: list[Hypothesis], language: np.ndarray) -> Lists:
    """Arrays of hypotheses that are sorted by utterance."""
    _, utterance = np.unique([h.utterance for h in hypotheses], return_inverse=True)
    return Lists(
        utterance,
        np.array([h.acoustic for h in hypotheses]),
        language,
        np.array([h.is_true for h in hypotheses]),
    )


def main(argv: list[str]) -> None:
    """Scores, chooses the weight, ranks, reports."""
    del argv
    if not MODEL.value:
        raise common.UsageError("--model: name the folder of a trained language model")
    begin = time.monotonic()
    model = trained.load(MODEL.value)
    source = load("rescoring", FLAGS.dataset, FLAGS.data)
    hypotheses = sorted(source.examples, key=lambda h: h.utterance)
    if len({h.utterance for h in hypotheses}) < 4:
        raise DataError(f"{source.name}: four utterances or more are needed")
    workdir = common.open_workdir("rescoring", source)
    texts = [h.text for h in hypotheses]
    each = model.log_probs(texts)
    language = np.array([values.sum() for values in each])
    rival = np.array([frequency(text, model.settings.words) for text in texts])
    lists = as_lists(hypotheses, language)
    chosen, held_out = halves(lists, FLAGS.seed)
    weight = best_weight(chosen)
    of_rival = halves(lists._replace(language=rival), FLAGS.seed)
    rival_score = first_is_true(of_rival[1], best_weight(of_rival[0]))
    before, after = (first_is_true(held_out, w) for w in (0.0, weight))
    ranks = []
    for i in ranked(lists, weight):
        utterance, acoustic, text, true = hypotheses[i]
        total = acoustic + weight * language[i]
        ranks.append(f"{utterance}\t{total:.4f}\t{text}\t{int(true)}\n")
    common.write_text(workdir / "ranked.tsv", "".join(ranks))
    shown = {
        "half to choose by": [first_is_true(chosen, w) for w in WEIGHTS],
        "held out": [first_is_true(held_out, w) for w in WEIGHTS],
    }
    panel = {label: (WEIGHTS, values) for label, values in shown.items()}
    curves(
        workdir / "figures" / "weight.png",
        [("weight of the language model", panel)],
        "share of utterances whose truth comes first",
        logarithmic_from=WEIGHTS[1],
    )
    pair, pear = (
        float(values.sum()) for values in model.log_probs(list(DEMONSTRATION))
    )
    common.say(
        f"data: {source.name}, {len(texts)} hypotheses for "
        f"{len(set(h.utterance for h in hypotheses))} utterances",
        f"the truth comes first in {before:.1%} by the acoustic scores, in {after:.1%} "
        f"with the language model at weight {weight:.3g}, in {rival_score:.1%} with "
        f"the frequencies of words in its training text instead",
        f"log P({DEMONSTRATION[0]!r}) = {pair:.2f}, log P({DEMONSTRATION[1]!r}) = "
        f"{pear:.2f}",
        f"the run's folder: {workdir}",
    )
    common.finish(
        workdir,
        task="rescoring",
        data=source.name,
        cell=model.settings.cell,
        metric="share of held-out utterances whose truth comes first",
        score=after,
        baseline=before,
        baseline_name="acoustic scores alone",
        word_frequencies=rival_score,
        weight=weight,
        log_p_pair=pair,
        log_p_pear=pear,
        steps=0,
        seconds=round(time.monotonic() - begin, 2),
        tokens_per_second=round(sum(map(len, each)) / (time.monotonic() - begin)),
    )


if __name__ == "__main__":
    common.run(main)
