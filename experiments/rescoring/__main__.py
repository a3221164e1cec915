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

from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from experiments.rescoring.data import TABLE, Hypothesis
from experiments.rescoring.lists import (
    WEIGHTS,
    Lists,
    as_lists,
    best_weight,
    halves,
    log_frequency,
    ranked,
    truth_first,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import Run
from seqjax import figures, predict
from seqjax.data import DataError

for name in "workdir quiet seed data dataset compilation_cache".split():
    flags.declare_key_flag(name)
shared.describe_data(TABLE)
flags.DEFINE_string("model", None, "The folder of a trained language model.")
DEMONSTRATION = "The apple and pair salad.", "The apple and pear salad."


def rescore(options: Any) -> None:
    """Scores, chooses the weight, ranks, reports."""
    if not options.model:
        raise UsageError("--model: name the folder of a trained language model")
    model = predict.load(options.model, predict.LanguagePredictor)
    source = TABLE.load(options.dataset, options.data)
    hypotheses = sorted(source.examples, key=lambda h: h.utterance)
    texts = [h.text for h in hypotheses]
    utterances = len({h.utterance for h in hypotheses})
    if utterances < 4:
        raise DataError(f"{source.name}: four utterances or more are needed")
    facts = f"{len(texts)} hypotheses for {utterances} utterances"
    run = Run.begin("rescoring", options, source, None, facts)
    scores = model.log_probs(texts)
    lists = as_lists(hypotheses, np.array([values.sum() for values in scores]))
    chosen, held_out = halves(lists, options.seed)
    weight = best_weight(chosen)
    write_ranks(run, hypotheses, lists, weight)
    draw_weights(run, {"half to choose by": chosen, "held out": held_out})
    by_words = np.array([log_frequency(text, model.word_counts) for text in texts])
    other = halves(lists._replace(language=by_words), options.seed)
    result = {
        "score": truth_first(held_out, weight),
        "baseline": truth_first(held_out, 0.0),
        "word_frequencies": truth_first(other[1], best_weight(other[0])),
        "weight": weight,
    }
    report(run, model, result, tokens=sum(map(len, scores)))


def report(
    run: Run, model: predict.LanguagePredictor, result: dict[str, float], tokens: int
) -> None:
    """Prints and writes the result, and what the model makes of two sentences."""
    pair, pear = (float(p.sum()) for p in model.log_probs(list(DEMONSTRATION)))
    run.say(
        "the truth comes first in {baseline:.1%} by the acoustic scores, in "
        "{score:.1%} with the language model at weight {weight:.3g}, in "
        "{word_frequencies:.1%} with the frequencies of words in its training text "
        "instead".format(**result),
        f"log P({DEMONSTRATION[0]!r}) = {pair:.2f}, log P({DEMONSTRATION[1]!r}) = "
        f"{pear:.2f}",
    )
    run.finish(
        cell=str(model.model.layer),
        metric="share of held-out utterances whose truth comes first",
        lower_is_better=False,
        baseline_name="acoustic scores alone",
        log_p_pair=pair,
        log_p_pear=pear,
        tokens=tokens,
        **result,
    )


def write_ranks(
    run: Run, hypotheses: Sequence[Hypothesis], lists: Lists, weight: float
) -> None:
    """Writes the hypotheses, list by list, the best first."""
    lines = []
    for i in ranked(lists, weight):
        utterance, acoustic, text, true = hypotheses[i]
        total = acoustic + weight * lists.language[i]
        lines.append(f"{utterance}\t{total:.4f}\t{text}\t{int(true)}\n")
    run.write("ranked.tsv", "".join(lines))


def draw_weights(run: Run, parts: dict[str, Lists]) -> None:
    """Draws how often the truth comes first against the model's weight."""
    lines = {
        label: (WEIGHTS, [truth_first(lists, weight) for weight in WEIGHTS])
        for label, lists in parts.items()
    }
    run.figure(
        figures.curves,
        "weight",
        [("weight of the language model", lines)],
        "share of utterances whose truth comes first",
        title="rescoring by a language model",
        logarithmic_from=WEIGHTS[1],
    )


if __name__ == "__main__":
    cli.run(rescore)
