"""The cat, which already ate …, was full: the unit that holds the subject's number."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments.agreement.data import PLURAL, Sentence, draw_sentences
from experiments.agreement.model import (
    LONGEST,
    VERBS,
    batches_of,
    encode,
    loss_of,
    verbs_right,
)
from experiments.shared.run import Run
from experiments.units.by_hand import by_hand
from seqjax import inspect, predict
from seqjax.data import Tokenizer
from seqjax.inspect import UnitFit
from seqjax.layer import Layer
from seqjax.models import Classifier
from seqjax.pages import Held
from seqjax.predict import ClassPredictor

EMBEDDING = 16
CLAUSE = ", which already ate near the small {} and the old {}"
SHOWN = {  # the sentences that are drawn, up to their verbs
    "the cat": "the cat " + CLAUSE.format("birds", "dogs"),
    "the cats": "the cats " + CLAUSE.format("bird", "dog"),
}


_trace = jax.jit(inspect.trace)


class Sentences(NamedTuple):
    """Sentences by what they are for; no two parts share one."""

    train: list[Sentence]  # 2 to 12 words between subject and verb
    valid: list[Sentence]  # 2 to 40, as the two below
    choose: list[Sentence]  # the unit is chosen on these,
    measure: list[Sentence]  # and measured on those


def draw(seed: int, count: int = 6000) -> Sentences:
    """Draws `count` sentences to learn from, and a tenth as many for each other part.

    The sentences of the last three have attractors and are up to 40 words long.
    """
    train = draw_sentences(seed, count, 2, 12)
    seen = {sentence.words for sentence in train}
    drawn = draw_sentences(seed, max(count // 3, 60), 2, 40)
    new = {s.words: s for s in drawn if s.words not in seen}
    part = len(new) // 3
    rest = [list(new.values())[i * part : (i + 1) * part] for i in range(3)]
    return Sentences(train, *rest)


def make_reader(layer: Layer, sentences: Sequence[Sentence]) -> ClassPredictor:
    """A classifier of the verb's number, with narrow embeddings."""
    tokenizer = Tokenizer.build([" ".join(s.words) for s in sentences], "spaced")
    embed = nn.Embed(len(tokenizer.tokens), EMBEDDING)
    return ClassPredictor(Classifier(layer, 1, embed), tokenizer, VERBS, LONGEST)


def train_reader(run: Run, layer: Layer, sentences: Sentences) -> dict[str, Any]:
    """Trains a network, and finds the unit that holds the number.

    Returns:
      The result: what it scores, its unit, and the best unit before training.
    """
    reader = make_reader(layer, sentences.train)
    variables = predict.init(reader, run.key)

    def wrong(variables, asked):
        batches = batches_of(reader, asked, buckets=1)
        return verbs_right(replace(reader, variables=variables), batches).wrong()

    result = run.fit(
        reader.model,
        variables,
        run.batches([encode(reader, sentence) for sentence in sentences.train]),
        loss_of(reader.model),
        lambda variables: {"valid": wrong(variables, sentences.valid)},
        unit="nats per sentence",
        loss_per="sequence",
    )
    trained = replace(reader, variables=result.params)
    run.save(trained)
    units = [
        unit_of(replace(reader, variables=v), sentences)
        for v in (result.params, variables)
    ]
    names = "sentence_unit", "sentence_unit_untrained"
    found = {name: unit._asdict() for name, unit in zip(names, units, strict=True)}
    share = held_share(trained, units[0], sentences.measure)
    agrees = 1 - wrong(result.params, sentences.measure)
    return found | {"sentence_held": share, "sentences_agree": agrees}


def hold(reader: ClassPredictor, sentences: Sequence[Sentence]) -> list[dict]:
    """What a network holds after each word of each sentence, [T, units] by quantity."""
    ids = [reader.encode(" ".join(s.words)) for s in sentences]
    longest = max(map(len, ids))
    padded = np.stack([np.pad(row, (0, longest - len(row))) for row in ids], axis=1)
    layer, params = reader.model.layer, reader.variables["params"]
    xs = params["embed"]["embedding"][jnp.asarray(padded)]
    seen = _trace(layer, params["recurrent"]["layer"], xs)
    values = {name: np.asarray(a) for name, a in inspect.quantities(seen).items()}
    return [
        {name: a[: len(row), i] for name, a in values.items()}
        for i, row in enumerate(ids)
    ]


def between(
    reader: ClassPredictor, sentences: Sequence[Sentence]
) -> tuple[list[dict], np.ndarray]:
    """States from each subject to the last word before its verb; which are singular."""
    rows = [
        {name: a[subject_of(s) :] for name, a in row.items() if "state " in name}
        for s, row in zip(sentences, hold(reader, sentences), strict=True)
    ]
    return rows, np.array([s.verb not in PLURAL for s in sentences])


def unit_of(reader: ClassPredictor, sentences: Sentences) -> UnitFit:
    """The unit that tells singular from plural at all steps from subject to verb."""
    parts = []
    for part in (sentences.choose, sentences.measure):
        rows, singular = between(reader, part)
        steps = [len(next(iter(row.values()))) for row in rows]
        stacked = {
            name: np.concatenate([row[name] for row in rows]) for name in rows[0]
        }
        parts += [stacked, np.repeat(singular, steps)]
    return inspect.best_unit(*parts)


def held_share(
    reader: ClassPredictor, unit: UnitFit, sentences: Sequence[Sentence]
) -> float:
    """The share of sentences in which a unit is right at every step until the verb."""
    rows, singular = between(reader, sentences)
    values = [unit.sign * row[unit.quantity][:, unit.unit] for row in rows]
    above = [value > unit.sign * unit.threshold for value in values]
    pairs = zip(above, singular, strict=True)
    return float(np.mean([(row == one).all() for row, one in pairs]))


def subject_of(sentence: Sentence) -> int:
    """The place of the subject."""
    return len(sentence.words) - 1 - sentence.distance


def shown(readers: dict[str, ClassPredictor]) -> dict[str, Held]:
    """What trained networks and the one set by hand hold along the two sentences."""
    held = {}
    for name, reader in (readers | {"GRU set by hand": by_hand()}).items():
        for subject, text in SHOWN.items():
            words = text.split()
            sentence = Sentence(tuple(words), "", len(words) - 2, -1)
            (values,) = hold(reader, [sentence])
            p = reader.classify(text)
            says = ", ".join(f"P({verb}) = {p[verb]:.4f}" for verb in VERBS)
            marks = [i > 0 for i in range(len(words))]
            held[f"{name}, {subject} …"] = Held(words, values, marks, says)
    return held
