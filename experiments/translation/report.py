"""What a translation run leaves behind: figures, translations, scores."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from experiments.shared.run import Run
from experiments.translation.pairs import Pair
from seqjax import figures
from seqjax.data import Tokenizer
from seqjax.metrics import corpus_bleu
from seqjax.predict import TranslationPredictor
from seqjax.train import TrainResult


def draw_figures(
    run: Run,
    result: TrainResult,
    translator: TranslationPredictor,
    translate: Callable[..., Any],
    pairs: Sequence[Pair],
) -> None:
    """Draws the learning curve, and the attention in some sentences."""
    lines = {"training, with dropout": "loss", "validation": "valid"}
    run.learning_curves(result, figures.Panel("−log P (nats per token)", lines))
    if translator.model.attention == "none":
        return
    source, target = translator.source, translator.target
    long = [p.source for p in pairs if 5 <= len(source.tokenize(p.source)) <= 14][:3]
    texts = long or [pairs[0].source]
    written = list(map(target.tokenize, translate(texts)))
    weights = translator.attention_weights(texts, written)
    panels = [
        (
            [*readable(source, source.tokenize(text)), "<EOS>"],
            [*readable(target, tokens), "<EOS>"],
            rows,
        )
        for text, tokens, rows in zip(texts, written, weights, strict=True)
    ]
    title = f"attention of {run.options.cell}, {translator.model.attention}"
    run.figure(figures.attention, "attention", panels, title=title)


def readable(tokenizer: Tokenizer, tokens: Sequence[str]) -> list[str]:
    """Each token as a reader knows it, where it is a part of byte pairs."""
    return [tokenizer.detokenize([token]) or token for token in tokens]


def report(
    run: Run,
    result: TrainResult,
    sources: list[str],
    targets: list[str],
    translations: dict[str, list[str]],
    examples: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Scores, writes the translations and the result."""
    bleu = {name: corpus_bleu(t, targets) for name, t in translations.items()}
    signature = bleu["beam"].signature
    rows = zip(sources, targets, translations["beam"], strict=True)
    run.write("translations.tsv", "".join("\t".join(row) + "\n" for row in rows))
    both = zip(translations["beam"], translations["greedy"], strict=True)
    scores = ", ".join(f"{value.score:.2f} by {name}" for name, value in bleu.items())
    run.say(
        f"held-out sentences, BLEU: {scores}",
        signature,
        *(f"{source} → {target}" for source, target in examples),
    )
    return run.finish(
        result,
        metric="BLEU of held-out sentences, by beam search",
        lower_is_better=False,
        score=bleu["beam"].score,
        baseline=bleu["word for word"].score,
        baseline_name="word for word, by the most frequent alignment",
        copying=bleu["copying"].score,
        greedy=bleu["greedy"].score,
        greedy_is_beam=float(np.mean([a == b for a, b in both])),
        signature=signature,
        attention=run.options.attention,
        best_possible=run.source.best,
        valid=result.scores["valid"],
    )
