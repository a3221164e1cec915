"""What a run of image_caption leaves behind: captions, figures, scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.image_caption.captioned import Captioned
from experiments.shared.run import Run
from seqjax import figures
from seqjax.data.images import resized
from seqjax.metrics import corpus_bleu
from seqjax.predict import CaptionPredictor
from seqjax.train import TrainResult

SHOWN = 3  # images whose words are drawn, each with where it looked
LISTED = 12  # images drawn with their captions, up to half of them wrong ones
FEWEST, MOST = 3, 11  # words of their captions


def exact(written: Sequence[str], images: Sequence[Captioned]) -> np.ndarray:
    """Which captions are written to the letter: [N], True or False."""
    pairs = zip(written, images, strict=True)
    return np.array([text == image.caption for text, image in pairs])


def draw(
    run: Run,
    result: TrainResult,
    writer: CaptionPredictor,
    images: Sequence[Captioned],
    written: Sequence[str],
) -> None:
    """Draws the learning curve, captions, and where each word looked.

    Args:
      run: the run.
      result: of the training.
      writer: with its variables.
      images: held out.
      written: their captions by the model.
    """
    lines = {"training, with dropout": "loss", "validation": "valid"}
    run.learning_curves(result, figures.Panel("−log P (nats per token)", lines))
    wrong = ~exact(written, images)
    bad = np.flatnonzero(wrong)[: LISTED // 2]
    order = np.concatenate([bad, np.flatnonzero(~wrong)[: LISTED - len(bad)]])
    title = (
        f"captions of held-out images: {wrong.sum()} of {len(wrong)} are not exact "
        f"(red)"
    )
    run.figure(
        figures.pictures,
        "captions",
        [images[i].pixels for i in order],
        [written[i] for i in order],
        title=title,
        wrong=[bool(wrong[i]) for i in order],
        columns=4,
        wide=True,
    )
    if writer.model.attention != "none":
        draw_attention(run, writer, images, written)


def draw_attention(
    run: Run,
    writer: CaptionPredictor,
    images: Sequence[Captioned],
    written: Sequence[str],
) -> None:
    """Draws some images once for each word, bright where the word looked."""
    counts = [len(writer.words.tokenize(text)) for text in written]
    fits = [i for i, n in enumerate(counts) if FEWEST <= n <= MOST]
    chosen = sorted(fits, key=lambda i: -counts[i])[:SHOWN]
    if not chosen:
        return
    asked = [images[i].pixels for i in chosen]
    weights = writer.attention_weights(asked, [written[i] for i in chosen])
    columns = 1 + max(counts[i] for i in chosen)
    shape = writer.height, writer.width
    blank = np.full((*shape, 3), 255, np.uint8)
    drawn, lines, over = [], [], []
    for i, image, rows in zip(chosen, asked, weights, strict=True):
        words = writer.words.tokenize(written[i])
        rest = columns - 1 - len(words)
        drawn += [resized(image, shape)] * (1 + len(words)) + [blank] * rest
        lines += ["(the image)", *words] + [""] * rest
        over += [None, *map(as_grid(shape), rows[: len(words)])] + [None] * rest
    title = "where each word of a caption looked: bright where the attention is"
    run.figure(
        figures.pictures,
        "attention",
        drawn,
        lines,
        title=title,
        columns=columns,
        over=over,
    )


def as_grid(shape: tuple[int, int]) -> Any:
    """A function that gives the weights [S] of an image the form of its grid."""

    def reshape(weights: np.ndarray) -> np.ndarray:
        rows = round((len(weights) * shape[0] / shape[1]) ** 0.5)
        return weights.reshape(rows, -1)

    return reshape


def listed(images: Sequence[Captioned], written: Sequence[str]) -> str:
    """A line an image: its name, its caption, what was written."""
    rows = zip(images, written, strict=True)
    return "".join(f"{i.name}\t{i.caption}\t{text}\n" for i, text in rows)


def report(
    run: Run,
    result: TrainResult,
    images: Sequence[Captioned],
    told: dict[str, list[str]],
    known: set[str],
) -> dict[str, Any]:
    """Scores, writes captions.tsv and the result.

    Args:
      run: the run.
      result: of the training.
      images: held out.
      told: captions of each image by "model" and by each rival.
      known: the captions that were learned from.
    """
    gold = [image.caption for image in images]
    bleu = {name: corpus_bleu(texts, gold) for name, texts in told.items()}
    right = {name: exact(texts, images) for name, texts in told.items()}
    new = np.array([caption not in known for caption in gold])
    run.write("captions.tsv", listed(images, told["model"]))
    for name in told:
        share, score = np.mean(right[name]), bleu[name].score
        run.say(f"held-out images, {name}: {share:.4f} exact, BLEU {score:.2f}")
    of_new = float(np.mean(right["model"][new])) if new.any() else None
    if of_new is not None:
        run.say(f"{new.sum()} captions were never learned from: {of_new:.4f} exact")
    best = max(list(told)[1:], key=lambda name: np.mean(right[name]))
    return run.finish(
        result,
        metric="share of held-out images whose caption is written exactly",
        lower_is_better=False,
        score=float(np.mean(right["model"])),
        baseline=float(np.mean(right[best])),
        baseline_name=best,
        exact={name: float(np.mean(found)) for name, found in right.items()},
        bleu={name: value.score for name, value in bleu.items()},
        signature=bleu["model"].signature,
        exact_never_seen=of_new,
        captions_never_seen=int(new.sum()),
        attention=run.options.attention,
        best_possible=run.source.best if run.source else None,
        valid=result.scores["valid"],
    )
