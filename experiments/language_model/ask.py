"""Questions to a trained language model, by --mode."""

from typing import Any

from experiments.shared.errors import UsageError
from experiments.shared.run import load_model
from seqjax.predict import LanguagePredictor


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
