"""What a run of speech recognition leaves behind: texts, lists, figures, scores."""

import collections
from collections.abc import Iterable, Sequence
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
    one = min(range(len(test)), key=lambda i: abs(len(test[i].text.split()) - 4))
    draw = draw_posterior if speech.aligned else draw_attention
    draw(run, speech, inputs[one], test[one])


def draw_posterior(
    run: Run, speech: SpeechPredictor, inputs: np.ndarray, utterance: Utterance
) -> None:
    """Draws P of each letter, and of none, at each step of a sound."""
    (log_probs,) = speech.log_probs(speech.batches([inputs]))
    used = sorted(set(speech.letters.encode(utterance.text).tolist()))
    used = [speech.letters.eos, *(i for i in used if i != speech.letters.eos)]
    names = ["blank", *_names(speech, used[1:])]
    title = f"held out, {utterance.speaker}: {utterance.text}"
    values = _heard_features(speech, inputs), np.exp(log_probs)[:, used]
    seconds = speech.front.seconds
    run.figure(figures.posterior, "posterior", *values, names, seconds, title=title)


def draw_attention(
    run: Run, speech: SpeechPredictor, inputs: np.ndarray, utterance: Utterance
) -> None:
    """Draws where in a sound the decoder looked for each letter that it wrote."""
    (text,) = speech.texts(speech.batches([inputs]))
    (weights,) = speech.attention_weights([inputs], [text])
    names = [*_names(speech, speech.letters.encode(text, eos=False)), "end"]
    run.figure(
        figures.posterior,
        "attention",
        _heard_features(speech, inputs),
        weights.T,
        names,
        speech.front.seconds,
        title=f"held out, {utterance.speaker}: {utterance.text}, heard as: {text}",
        rows="letter, as written",
        label="attention weight\n(each row sums to 1)",
        most=float(weights.max()),
    )


def _heard_features(speech: SpeechPredictor, inputs: np.ndarray) -> np.ndarray:
    return inputs[:, : speech.front.extract.features]  # deltas say nothing new


def _names(speech: SpeechPredictor, letters: Iterable[int]) -> list[str]:
    return [speech.letters.tokens[i].replace(" ", "space") for i in letters]


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
