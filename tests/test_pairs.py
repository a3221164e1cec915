"""Sentences in two languages: files, parts, a grammar, words aligned with words."""

import re

import numpy as np
import pytest

from experiments.translation.dates import draw_dates
from experiments.translation.french import SING, draw_pairs
from experiments.translation.pairs import Pair, read_pairs, split_pairs
from seqjax.baselines import word_for_word
from seqjax.data import DataError
from seqjax.decode import replace_unknown

PAIRS = [Pair(f"le chat {i}", f"the cat {i}") for i in range(30)]


def test_two_columns_and_two_files_are_the_same(tmp_path):
    both, french, english = (tmp_path / name for name in ("both.tsv", "a.fr", "a.en"))
    both.write_text("".join(f"{a}\t{b}\n" for a, b in PAIRS))
    french.write_text("".join(f"{a}\n" for a, _ in PAIRS))
    english.write_text("".join(f"{b}\n" for _, b in PAIRS))
    parts = read_pairs(both)
    assert parts == read_pairs(f"{french},{english}")
    assert sorted(sum(parts, [])) == sorted(PAIRS)
    assert list(map(len, parts)) == [24, 3, 3]


BAD = {
    "one column": ("a\tb\nc\n", "line 2: two columns"),
    "three columns": ("a\tb\tc\n", "line 1: two columns"),
    "an empty column": ("a\tb\na\t \nc\td\n", "line 2: two columns"),
    "nothing": ("", "no example"),
    "too few": ("a\tb\nc\td\n", "2 different examples"),
    "not UTF-8": (b"a\tb\ncaf\xe9\tc\n", "line 2: not valid UTF-8"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_line_is_named(case, tmp_path):
    text, message = BAD[case]
    path = tmp_path / "pairs.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        read_pairs(path)
    assert str(path) in str(error.value) and message in str(error.value)


def test_a_line_that_is_blank_on_one_side_is_no_pair(tmp_path):
    sides = [[f"{name}{i}" for i in range(30)] for name in "st"]
    sides[0][5] = sides[1][20] = " "
    for name, lines in zip("ab", sides, strict=True):
        (tmp_path / name).write_text("\n".join(lines) + "\n" * (name == "a"))
    pairs = sum(read_pairs(f"{tmp_path / 'a'},{tmp_path / 'b'}"), [])
    kept = set(range(30)) - {5, 20}
    assert sorted(pairs) == sorted(Pair(f"s{i}", f"t{i}") for i in kept)


def test_the_line_is_named_though_others_are_blank(tmp_path):
    path = tmp_path / "a,b.tsv"
    path.write_text("\n\na\tb\n\nc\n")
    with pytest.raises(DataError, match=r"a,b\.tsv, line 5: two columns"):
        read_pairs(path)


def test_files_of_different_lengths_are_no_pairs(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, lines in zip(paths, (3, 4), strict=True):
        path.write_text("x\n" * lines)
    with pytest.raises(DataError, match="3 and 4 lines are no pairs"):
        read_pairs(f"{paths[0]},{paths[1]}")


def test_no_sentence_stands_in_two_parts_on_either_side():
    rng = np.random.default_rng(0)
    pairs = [Pair(f"s{a}", f"T{b}") for a, b in rng.integers(0, 300, (2000, 2))]
    parts = split_pairs([*pairs, *(Pair(a.upper(), b.lower()) for a, b in pairs)])
    for side in (0, 1):
        texts = [pair[side].casefold() for part in parts for pair in part]
        assert len(set(texts)) == len(texts) > 150


def test_dates_say_the_same_day():
    pairs = draw_dates(0, 3000)
    assert len({p.target for p in pairs}) > 2500
    for source, target in pairs:
        year, month, day = map(int, target.split("-"))
        numbers = list(map(int, re.findall(r"\d+", source)))
        assert day in numbers and year % 100 in [n % 100 for n in numbers]
        assert month in numbers or re.search(r"[^\W\d]{3}", source)
    assert pairs == draw_dates(0, 3000) != draw_dates(1, 3000)


def test_the_grammar_leaves_no_choice_in_either_direction():
    pairs = draw_pairs(0, 20_000)
    for side in (0, 1):
        told = {}
        for pair in pairs:
            told.setdefault(pair[side], set()).add(pair[1 - side])
        assert len(told) > 15_000 and max(map(len, told.values())) == 1
    assert SING not in pairs
    assert pairs == draw_pairs(0, 20_000) != draw_pairs(1, 20_000)


def test_the_grammar_is_french():
    told = dict(draw_pairs(0, 30_000))
    for source, target in {
        "Ils ont chanté.": "They sang.",
        "Nous ne marcherons pas.": "We will not walk.",
        "J'ai parlé.": "I spoke.",
        "Il m'aime.": "He likes me.",
        "Pouvez-vous chanter avec moi ?": "Can you sing with me?",
    }.items():
        assert told[source] == target
    text = " ".join(told)
    assert " ma maison" in text and " mon école" in text and "cet arbre" in text
    assert " mon maison" not in text and " ma école" not in text
    for wrong in (" le a", " la é", " je a", " ne a", " me a", "que il", "que elle"):
        assert wrong not in text.replace(" le avec", "")


def test_alignment_finds_words_in_any_order():
    rng = np.random.default_rng(0)
    words = [f"f{i}" for i in range(20)]
    sources = [rng.choice(words, rng.integers(1, 8)).tolist() for _ in range(400)]
    targets = [[w.replace("f", "e") for w in reversed(s)] for s in sources]
    table = word_for_word(sources, targets)
    assert table.best == {w: w.replace("f", "e") for w in words}
    assert table.translate(["f3", "new", "f1"]) == ["e3", "new", "e1"]


def test_alignment_is_expectation_and_maximisation():
    """The slow, obvious version, on sentences that do not decide it."""
    rng = np.random.default_rng(1)
    sources = [
        rng.choice(list("abcde"), rng.integers(1, 5)).tolist() for _ in range(40)
    ]
    targets = [
        rng.choice(list("vwxyz"), rng.integers(1, 5)).tolist() for _ in range(40)
    ]
    t = {(f, e): 1.0 for f in "abcde" for e in "vwxyz"}
    for _ in range(3):
        counts = dict.fromkeys(t, 0.0)
        for source, target in zip(sources, targets, strict=True):
            for e in target:
                whole = sum(t[f, e] for f in source)
                for f in source:
                    counts[f, e] += t[f, e] / whole
        t = {
            (f, e): counts[f, e] / sum(counts[f, x] for x in "vwxyz") for f, e in counts
        }
    best = {f: max("vwxyz", key=lambda e: counts[f, e]) for f in "abcde"}
    assert word_for_word(sources, targets, rounds=3).best == best


def test_unknown_words_come_from_where_the_decoder_looked():
    weights = np.random.default_rng(0).dirichlet(np.ones(5), size=7)
    tokens, source = ["<UNK>", "a", "<UNK>"], list("vwxyz")
    copied = replace_unknown(tokens, weights, source)
    assert copied == [source[weights[0].argmax()], "a", source[weights[2].argmax()]]
