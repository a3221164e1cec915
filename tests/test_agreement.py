"""Sentences whose verb agrees with a subject far away."""

import re

import numpy as np
import pytest

from experiments.agreement.accuracy import bins, over_seeds, shares
from experiments.agreement.data import (
    INNER_VERBS,
    NOUNS,
    draw_nested,
    draw_sentences,
    read_sentences,
)
from seqjax.data import DataError

PLURALS = {f"{noun}s" for noun in NOUNS}
VERB_NUMBERS = {verb: i == 1 for pair in INNER_VERBS for i, verb in enumerate(pair)}


def test_sentences_are_what_they_say():
    sentences = draw_sentences(0, 500, 2, 9)
    assert {s.distance for s in sentences} == set(range(2, 10))
    for s in sentences:
        place = s.words.index("which") - 2
        subject, between = s.words[place], s.words[place + 1 :]
        plural = subject in PLURALS
        assert s.verb == ("were" if plural else "was")
        assert len(between) == s.distance
        nouns = [w for w in between if w in PLURALS or w in NOUNS]
        assert s.attractors == sum((noun in PLURALS) != plural for noun in nouns)
    shares = np.mean([s.verb == "were" for s in sentences])
    assert 0.4 < shares < 0.6
    assert {s.attractors for s in sentences} == {0, 1, 2, 3}
    assert {s.words.index("which") for s in sentences} == set(range(3, 10))
    assert draw_sentences(0, 500, 2, 9) == sentences != draw_sentences(1, 500, 2, 9)


def test_nested_clauses_have_subjects_and_verbs_of_their_own():
    """The subject asked for is the last that has no verb yet, by a stack."""
    drawn = draw_nested(0, 400, 2, 40)
    depths, inner = set(), 0
    for s in drawn:
        waiting = []
        for i, word in enumerate(s.words):
            if word == "which":  # the noun before ", which" is a subject
                waiting.append((i - 2, s.words[i - 2] in PLURALS))
            verb = VERB_NUMBERS.get(word)
            if verb is not None:
                inner += 1
                assert waiting.pop()[1] == verb
        depths.add(len(waiting))
        place, plural = waiting[-1]
        between = s.words[place + 1 :]
        assert s.verb == ("were" if plural else "was")
        assert len(between) == s.distance
        nouns = [w for w in between if w in PLURALS or w in NOUNS]
        assert s.attractors == sum((noun in PLURALS) != plural for noun in nouns)
    assert depths == {1, 2, 3} and inner > 100
    assert {s.distance for s in drawn} == set(range(2, 41))
    assert 0.4 < np.mean([s.verb == "were" for s in drawn]) < 0.6
    assert draw_nested(0, 400, 2, 40) == drawn != draw_nested(1, 400, 2, 40)


def test_accuracy_is_binned_alike_for_all_seeds():
    edges = bins(2, 200)
    assert edges[0] == 2 and edges[-1] == 201 and len(edges) <= 14
    assert bins(0, 3) == [0, 1, 2, 3, 4]
    of = np.array([2, 2, 5, 200])
    binned = shares(np.array([1, 0, 1, 0]), of, edges)
    assert binned[0] == 0.5 and binned[-1] == 0.0 and None in binned
    runs = {
        name: {"panel": {"at": [1, 2], "right": right}}
        for name, right in {"a": [0.0, None], "b": [1.0, 0.5], "c": [1, 1]}.items()
    }
    both, other = over_seeds(runs, ["gru", "gru", "lstm"]).values()
    np.testing.assert_array_equal(both["panel"]["right"], [[0.0, np.nan], [1.0, 0.5]])
    np.testing.assert_array_equal(other["panel"]["right"], [[1, 1]])
    runs["b"]["panel"]["right"] = [1.0]
    assert over_seeds(runs, ["gru", "gru", "lstm"]) == runs


def test_a_file_has_its_verbs_marked(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text(
        "the cat , which ate , *was* full\nthe cats *were* full\n"
        "near the dogs the cat , which ate , *was* full\n"
    )
    first, second, third = read_sentences(path)
    assert third.distance == first.distance and len(third.words) > len(first.words)
    assert first.words == ("the", "cat", ",", "which", "ate", ",")
    assert first.verb == "was" and second.verb == "were"
    assert (first.distance, second.distance) == (4, 0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("the cat was full", "one verb must be marked"),
        ("the cat *was* *full*", "one verb must be marked"),
        ("*was* the cat full", "one verb must be marked"),
        ("the cat *sat*", "'sat' is no known verb"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = tmp_path / "sentences.txt"
    path.write_text(f"the cat *was* full\n{line}\n")
    named = re.escape(str(path)) + ", line 2: " + message
    with pytest.raises(DataError, match=named):
        read_sentences(path)
