"""The course's comparisons: what they count, and what follows from the numbers."""

import collections
import itertools
import math
from dataclasses import replace

import jax
import numpy as np
import pytest
from processes import run
from test_experiments import written
from trained import copy_of, uses

from experiments.comparisons import directions, fixed, vocabulary, words
from experiments.comparisons.common import Request, against
from experiments.comparisons.networks import FIXED, RECURRENT, size
from experiments.comparisons.shifted import FILLER, make
from experiments.comparisons.text import Spelling, bits_per_character, count
from experiments.comparisons.waiting import measure, stream, whole
from experiments.language_model.data import read_text
from experiments.name_entity.conll import Tagged
from experiments.shared.errors import UsageError
from seqjax import predict
from seqjax.cells import GRU
from seqjax.data import Lexicon, Tokenizer
from seqjax.data.tokenize import CASINGS
from seqjax.models import Tagger, WordFeatures

RNG = np.random.default_rng(0)


def request(folder, flags=(), seeds=1):
    given = {name: (value,) for name, value in dict(flags).items()}
    return Request(folder, given, seeds, jobs=1, quiet=True)


def test_spellings_of_unknown_words_are_a_distribution():
    """Over words of up to so many letters they nearly sum to one, known ones out."""
    draws = ["".join(RNG.choice(["a", "b"], RNG.integers(1, 4))) for _ in range(400)]
    lines = [" ".join(draws[i : i + 8]) for i in range(0, 400, 8)]
    tokenizer = Tokenizer.build(lines, "spaced", 12)
    spelling = Spelling.learn(tokenizer, lines)
    every = itertools.chain.from_iterable(
        itertools.product("ab", repeat=n) for n in range(7)
    )
    unknown = [w for w in map("".join, every) if w not in tokenizer.tokens]
    total = sum(2.0 ** -spelling.bits(word) for word in unknown)
    assert 0.1 < spelling.known < 0.9 and 0.75 < total <= 1.0
    assert spelling.bits("axa") > spelling.bits("aba") + 20, "a letter never seen"


def test_bits_per_character_are_of_the_same_characters():
    lines = ["a cat saw a zebra", "cats , cats"]
    kinds = [Tokenizer.build(["a cat saw cats"], kind) for kind in ("chars", "spaced")]
    letters, tokens = (count(k, ["a cat saw cats", "a rat"], lines) for k in kinds)
    assert letters.characters == tokens.characters == len("".join(lines)) + 2
    assert (letters.tokens, letters.unknown) == (30, 5)
    assert (tokens.tokens, tokens.unknown) == (5 + 3 + 2, 2)
    assert tokens.spelled > letters.spelled > 0
    assert bits_per_character(3.0, tokens) == (30 + tokens.spelled) / 30


def test_a_difference_counts_beyond_two_standard_errors():
    assert against([1.0, 1.1, 0.9], [1.2, 1.3, 1.1]) == "lower than", "2.4 errors"
    assert "not different" in against([1.0, 1.1, 0.9], [1.15, 1.25, 1.05]), "1.8"
    assert against([2.0, 2.1], [1.0, 1.1]) == "higher than"
    assert against([1.0, 2.0, 1.5], [1.6, 1.2, 2.2]).startswith("not different")
    assert "one seed" in against([1.0], [2.0, 2.1])


def test_a_tag_waits_for_the_words_behind_it():
    sentences = [Tagged(("a",) * n, ("O",) * n) for n in (4, 2)]
    waited = directions.words_waited(sentences)
    assert waited["mean"] == (3 + 2 + 1 + 0 + 1 + 0) / 6 and waited["most"] == 3
    assert waited["by_place"] == [2.0, 1.0, 1.0, 0.0]


def tagger(layer):
    """An untrained tagger, and sentences for it."""
    sentences = [Tagged(("One", "longer", "x", "sentence"), ("O",) * 4)] * 2
    lexicon = Lexicon.build([s.words for s in sentences], 1)
    sizes = len(lexicon.words), len(lexicon.letters), len(CASINGS)
    model = Tagger(layer, 1, WordFeatures(*sizes, 5, GRU(3)))
    found = predict.TagPredictor(model, lexicon, ("O", "I-NAME"))
    return replace(found, variables=predict.init(found, jax.random.key(1))), sentences


def test_word_by_word_gives_the_tags_of_the_whole_sentence(monkeypatch):
    one, sentences = tagger(GRU(4))
    encoded = one.lexicon.encode(sentences[0].words)
    batch = type(encoded)(*(leaf[None] for leaf in encoded))
    at_once = whole(one.model, one.variables, batch, np.array([4]))
    np.testing.assert_allclose(stream(one, encoded), at_once[0], rtol=1e-5, atol=1e-6)
    monkeypatch.setattr("experiments.comparisons.waiting.REPEATS", 2)
    monkeypatch.setattr("experiments.comparisons.waiting.LENGTHS", (3,))
    times = measure(one, one, sentences)
    assert times["words"] == 4 and list(times["by_length"]) == ["3"]
    assert all(t > 0 for t in (times["step"], times["typical"]))


def test_shifted_sentences_are_the_same_behind_other_words():
    problem = make(40, 2, (0, 5), seed=3)
    here, there = problem.test[0], problem.test[5]
    for leaf in ("tokens", "names", "counted"):
        a, b = getattr(here, leaf), getattr(there, leaf)
        for row, length in enumerate(here.lengths):
            np.testing.assert_array_equal(a[row, :length], b[row, 5 : 5 + length])
    assert (there.lengths == here.lengths + 5).all() and len(here.lengths) > 9
    assert not there.names[:, :5].any() and not there.counted[:, :5].any()
    before = problem.train.lengths - problem.train.counted.sum(axis=1)
    assert collections.Counter(before.tolist()).keys() == {0, 1, 2}
    assert len(set(FILLER)) > 8 and here.names.sum() > 0


def test_a_fixed_network_grows_with_its_input():
    options = {"features": 6}
    fixed_sizes = [size(FIXED, 50, length, options) for length in (5, 10, 20)]
    assert fixed_sizes[2] - fixed_sizes[1] == 2 * (fixed_sizes[1] - fixed_sizes[0]) > 0
    assert len({size(RECURRENT, 50, length, options) for length in (5, 20)}) == 1


def test_the_fixed_network_is_compared(tmp_path):
    flags = {"steps": "3", "sentences": "24", "batch_size": "8", "features": "4"}
    finding = fixed.compare(request(tmp_path / "run", flags))
    right = finding.numbers["right"]
    assert [len(each[0]) for each in right.values()] == [len(fixed.SHIFTS)] * 2
    assert (tmp_path / "run" / "figures" / "comparison.png").exists()
    small, *_, large = finding.numbers["sizes"][FIXED]
    assert f"{large / small:.1f} times" in finding.conclusion
    assert len(finding.rows) == 3
    for bad in ({"step": "3"}, {"steps": "none"}, {"steps": "0"}):
        with pytest.raises(UsageError, match=f"--{next(iter(bad))}"):
            fixed.compare(request(tmp_path / "bad", bad))
    assert not (tmp_path / "bad").exists()


def sweep_row(folder, result, **flags):
    """A row of a sweep with this run alone."""
    score = [result["score"]]
    return {
        "flags": flags,
        "score": result["score"],
        "score_std": None,
        "scores": score,
        "baselines": [result["baseline"]],
        "baseline": result["baseline"],
        "speeds": [1000.0],
        "parameters": result["parameters"],
        "seconds": 1.0,
        "folders": [folder.name],
    }


@uses("language_model")
def test_words_and_characters_are_measured_on_one_text(trained, tmp_path, monkeypatch):
    """From the experiment's own runs, as a sweep would leave them."""
    names = {"characters": "language_model", "words": "language_model word"}
    parts = read_text(trained("language_model").folder / "text.txt")
    results = {}
    for name, of in names.items():
        copy_of(trained(of), tmp_path / name)
        row = sweep_row(tmp_path / "run", trained(of).result)
        results[name] = {**trained(of).result, "rows": [row], "swept": {}}
    monkeypatch.setattr(words, "sweeps", lambda *_: results)
    asked = request(tmp_path)
    monkeypatch.setattr(words, "with_text", lambda _: (asked, parts))
    asked.begin()
    finding = words.compare(asked)
    models = finding.numbers["models"]
    characters = results["characters"]["rows"][0]["score"]
    assert models["characters"]["score"] == pytest.approx(characters)
    bits = math.log2(trained("language_model word").result["score"])
    lengths = [(len(line) + 1, len(line.split()) + 1) for line in parts.test]
    letters, tokens = map(sum, zip(*lengths, strict=True))
    assert models["words"]["score"] == pytest.approx(bits * tokens / letters)
    assert models["words"]["tokens_per_line"] == tokens / len(parts.test)
    assert models["words"]["unknown"] == 0.0 and finding.rows[0][0] == "tokens"
    assert finding.numbers["score"] == models["words"]["score"]
    row = sweep_row(tmp_path / "run", trained(names["words"]).result, vocabulary="9")
    (tmp_path / "sizes").symlink_to(tmp_path / "words")
    found = vocabulary.measure(asked, row, parts)
    assert found["score"] == models["words"]["score"] and found["time"] == 1000.0
    assert len(vocabulary.table([found])[1]) == len(vocabulary.table([found])[0])
    assert "unknown" in vocabulary.conclusion([found], found)


@uses("comparisons")
def test_a_comparison_goes_on_and_says_what_it_was(trained, tmp_path):
    folder = copy_of(trained("comparisons"), tmp_path) / "run"
    before = written(folder / "cells")
    text = (folder / "comparison.txt").read_text()
    assert trained("comparisons").result["conclusion"] in text
    code, out, err = run(
        "comparisons", "--resume", "--workdir=run", "--quiet", cwd=tmp_path
    )
    assert code == 0 and len(out.splitlines()) == 1, err
    runs = [path for path in before if "seed=" in path.parent.name]
    assert runs and all(written(folder / "cells")[p] == before[p] for p in runs)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "name"),
        (["deep"], "there is no comparison 'deep'"),
        (["fixed", "--layers=2"], "--layers"),
        (["depth", "--seeds=0"], "--seeds"),
        (["words", "--data=none.txt"], "none.txt"),
        (["depth", "--resume", "--workdir=none"], "--resume"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(words, named, tmp_path):
    code, out, err = run("comparisons", *words, "--quiet", cwd=tmp_path)
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    assert named in err and not list(tmp_path.iterdir())
