"""Vocabularies: what is kept, there and back, files, one-hot."""

import re

import numpy as np
import pytest

from seqjax.data import Vocabulary


def test_a_vocabulary_is_sorted_and_comes_back():
    rng = np.random.default_rng(0)
    for _ in range(50):
        text = "".join(map(chr, rng.integers(32, 1200, rng.integers(0, 40))))
        seen = text[::2]
        vocabulary = Vocabulary.build([seen])
        assert list(vocabulary.tokens) == sorted({*seen, "<EOS>", "<UNK>"})
        ids = vocabulary.encode(text)
        assert ids.dtype == np.int32 and len(ids) == len(text) + 1
        known = [t if t in vocabulary else "<UNK>" for t in text]
        assert vocabulary.decode(ids) == known
        assert vocabulary.decode([*ids, vocabulary.eos, 0]) == known
        assert np.array_equal(vocabulary.encode(text, eos=False), ids[:-1])
        assert set(seen) <= set(vocabulary.tokens)


def test_the_most_frequent_tokens_are_kept_and_ties_go_by_the_alphabet():
    sequences = ["d c b b a".split(), "b e <UNK> <UNK> d".split()]
    kept = Vocabulary.build(sequences, size=3).tokens
    assert kept == ("<EOS>", "<UNK>", "a", "b", "d")
    assert len(Vocabulary.build(sequences)) == 7
    with pytest.raises(ValueError, match="size"):
        Vocabulary.build(sequences, size=0)


def test_one_hot_is_the_identity_and_zero_for_what_is_no_token():
    vocabulary = Vocabulary.build(["cab"])
    ids = np.array([[0, 4, 2], [-1, 1, 3]])
    one_hot = vocabulary.one_hot(ids)
    assert one_hot.shape == (2, 3, 5) and one_hot.dtype == np.float32
    assert np.array_equal(one_hot[0], np.eye(5)[ids[0]])
    assert not one_hot[1, 0].any()


@pytest.mark.parametrize("ids", [[2, 9], [-1]])
def test_decoding_what_is_no_token_is_refused(ids):
    with pytest.raises(ValueError, match=f"no token {ids[-1]}"):
        Vocabulary.build(["abc"]).decode(ids)


def test_a_vocabulary_is_saved_and_loaded(tmp_path):
    vocabulary = Vocabulary.build([["höhle", 'a"b', "line\nbreak", "", "\u2028"]])
    vocabulary.to_json(tmp_path / "vocabulary.json")
    assert Vocabulary.from_json(tmp_path / "vocabulary.json") == vocabulary


DAMAGED = [
    b"",
    b'["<EOS>", "<UNK>", "a"',
    b'{"<EOS>": 0, "<UNK>": 1}',
    b'["<EOS>", "<UNK>", 1]',
    b'["<EOS>", "<UNK>", "b", "a"]',
    b'["<EOS>", "<UNK>", "a", "a"]',
    b'["<EOS>", "a"]',
    b'["<UNK>", "a"]',
    b"\xff",
    None,  # no file
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_vocabulary_is_refused(tmp_path, content):
    path = tmp_path / "vocabulary.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Vocabulary.from_json(path)
