"""What a run of speech recognition leaves behind: texts, lists, figures, scores."""

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.shared.run import Run
from experiments.speech_recognition.data import Utterance
from seqjax import figures
from seqjax.metrics import character_error_rate, word_error_rate
from seqjax.predict import Heard, SpeechPredictor
from seqjax.train import TrainResult


def most_frequent_word(train: Sequence[Utterance], test: Sequence[Utterance]):
    """Baseline: the most frequent word, as many times as fit the sound."""
    words = [u.text.split() for u in train]
    counts = collections.Counter(word for text in words for word in text)
    word = counts.most_common(1)[0][0]
    length = sum(len(u.sound) for u in train) / sum(map(len, words))
    return [" ".join([word] * round(len(u.sound) / length)) for u in test]


def said_of(short: set[int], train: Sequence[Utterance]) -> list[str]:
    """Says which sounds are left out of training, if any are."""
    if not short:
        return []
    names = ", ".join(train[i].name for i in sorted(short)[:3])
    return [f"{len(short)} sounds are too short for their texts, such as {names}"]


def n_best_lines(utterances: Sequence[Utterance], found: list[list[Heard]]) -> str:
    """Lines for `experiments.rescoring`: utterance, acoustic score, text, truth."""
    lines = []
    for utterance, hypotheses in zip(utterances, found, strict=True):
        best: dict[str, float] = {}
        for heard in hypotheses:
            text = " ".join(heard.text.split())
            best[text] = max(best.get(text, -np.inf), heard.acoustic)
        lines += [
            f"{utterance.name}\t{score:.4f}\t{text}\t{int(text == utterance.text)}\n"
            for text, score in best.items()
            if text
        ]
    return "".join(lines)


def draw_figures(
    run: Run, result: TrainResult, speech: SpeechPredictor, inputs, test
) -> None:
    """Draws the learning curves, and the letters over the sound of one utterance."""
    run.learning_curves(
        result,
        figures.Panel("−log P (nats per step)", {"training, with noise": "loss"}),
        figures.Panel("word error rate", {"validation": "valid"}),
    )
    if not speech.aligned:
        return
    one = min(range(len(test)), key=lambda i: abs(len(test[i].text.split()) - 4))
    (log_probs,) = speech.log_probs(speech.batches([inputs[one]]))
    used = [speech.letters.eos, *sorted(set(speech.letters.encode(test[one].text)))]
    used = list(dict.fromkeys(int(i) for i in used))
    names = [
        "blank",
        *(speech.letters.tokens[i].replace(" ", "space") for i in used[1:]),
    ]
    title = f"held out, {test[one].speaker}: {test[one].text}"
    own = speech.front.extract.features  # the deltas beside them say nothing new
    values = inputs[one][:, :own], np.exp(log_probs)[:, used]
    seconds = speech.front.seconds
    run.figure(figures.posterior, "posterior", *values, names, seconds, title=title)


def report(
    run: Run,
    result: TrainResult,
    test: Sequence[Utterance],
    found: list[list[Heard]],
    baseline: list[str],
    left_out: int,
) -> dict[str, Any]:
    """Scores, writes what was heard and the result."""
    gold, texts = [u.text for u in test], [heard[0].text for heard in found]
    run.write("nbest.tsv", n_best_lines(test, found))
    rows = zip(test, texts, strict=True)
    lines = (f"{u.name}\t{u.text}\t{text}\n" for u, text in rows)
    run.write("transcripts.tsv", "".join(lines))
    words = float(word_error_rate(texts, gold).result())
    letters = float(character_error_rate(texts, gold).result())
    simple = float(word_error_rate(baseline, gold).result())
    run.say(
        f"held out: {words:.2%} of words wrong, {letters:.2%} of letters, against "
        f"{simple:.2%} of words by the most frequent word",
        *(f"{u.text} → {t}" for u, t in list(zip(test, texts, strict=True))[:4]),
    )
    return run.finish(
        result,
        metric="word error rate on held-out speakers"
        if any(u.speaker for u in test)
        else "word error rate on held-out utterances",
        lower_is_better=True,
        score=words,
        baseline=simple,
        baseline_name="the most frequent word, as many as fit the length",
        character_error_rate=letters,
        utterances_too_short=left_out,
        best_possible=run.source.best if run.source else None,
        valid=result.scores["valid"],
    )
