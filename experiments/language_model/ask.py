"""Questions to a trained language model, by --mode."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from experiments.shared.errors import UsageError
from experiments.shared.run import load_model
from seqjax import inspect, pages, predict
from seqjax.inspect import Reading
from seqjax.predict import LanguagePredictor

LONGEST = 1000  # tokens of a page, which holds a number for each two of them
MOST = 1_000_000  # numbers of a page with gates; larger ones show states alone


def score(options: Any) -> None:
    """Prints log P of each token of --text, <EOS> after it, and their sum."""
    if not options.text:
        raise UsageError("--text: needs a text to score")
    text = load_model(options.workdir, LanguagePredictor)
    scored = text.score(options.text)
    for token, value in scored:
        unknown = "" if token in text.tokenizer.vocabulary else "  (<UNK>)"
        print(f"{value:9.4f}  {token}{unknown}")
    print(f"{sum(value for _, value in scored):9.4f}  log P, in nats")


def rank(options: Any) -> None:
    """Prints the likeliest tokens after --text."""
    text = load_model(options.workdir, LanguagePredictor)
    for token, p in text.rank(options.text, options.k):
        print(f"{p:8.4f}  {token}")


def sample(options: Any) -> None:
    """Prints texts that go on from --text."""
    text = load_model(options.workdir, LanguagePredictor)
    try:
        samples = text.sample(
            options.text,
            count=options.samples,
            length=options.length,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            seed=options.seed,
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    print(*samples, sep="\n\n", end="\n\n")


def page(options: Any) -> None:
    """Writes pages/connectivity.html and pages/characters.html about --text."""
    if not options.text:
        raise UsageError("--text: needs a text to read")
    models = load_models(options.workdir)
    first = next(iter(models.values()))
    if len(first.tokenizer.tokenize(options.text)) > LONGEST:
        raise UsageError(f"--text: a page shows at most {LONGEST} tokens")
    try:
        readings = {
            name: inspect.read_text(model, options.text)
            for name, model in models.items()
        }
        write_pages(pathlib.Path(options.workdir) / "pages", readings, first)
    except ValueError as error:
        raise UsageError(f"--text: {error}") from None


def load_models(workdir: str | None) -> dict[str, LanguagePredictor]:
    """The model in --workdir, or those of the cells whose folders are there."""
    folders = sorted(
        p.parent for p in pathlib.Path(workdir or "").glob(f"*/{predict.NAME}")
    )
    if (
        workdir is None
        or not folders
        or (pathlib.Path(workdir) / predict.NAME).exists()
    ):
        model = load_model(workdir, LanguagePredictor)
        return {type(model.model.layer).__name__: model}
    return {path.name: predict.load(path, LanguagePredictor) for path in folders}


def write_pages(
    folder: pathlib.Path, readings: Mapping[str, Reading], first: LanguagePredictor
) -> None:
    """Writes both pages, and prints where they are."""
    folder.mkdir(exist_ok=True)
    separator = " " if first.tokenizer.kind in ("spaced", "words") else ""
    how = {"separator": separator}
    path = folder / "connectivity.html"
    title = "what each token looked back to"
    pages.connectivity(path, readings, title=title, **how)
    print(path)
    held = {
        name: pages.Held(r.tokens, _few(r.quantities)) for name, r in readings.items()
    }
    path = folder / "characters.html"
    pages.characters(path, held, title="what each unit held", **how)
    print(path)


def _few(quantities: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All states, and the gates too if a page can hold them."""
    size = sum(values.size for values in quantities.values())
    return {k: v for k, v in quantities.items() if "state " in k or size <= MOST}
