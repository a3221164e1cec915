"""Sentences whose verb agrees with a subject far away."""

import re

import numpy as np
import pytest

from experiments.agreement.data import NOUNS, draw_sentences, read_sentences
from seqjax.data import DataError

PLURALS = {f"{noun}s" for noun in NOUNS}


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
