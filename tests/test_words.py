"""Words as integers: letters, casing, unknown words; and as vectors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from model_data import apply, random_variables_for

from seqjax import Bidirectional
from seqjax.cells import GRU
from seqjax.data import Lexicon
from seqjax.data.lexicon import LONGEST
from seqjax.data.tokenize import CASINGS
from seqjax.models import WordFeatures, Words

TEXTS = ["Harry met 12 cats .".split(), "harry MET NATO iPods".split()]
EVERY = Lexicon.build(TEXTS, min_count=1)


def test_words_are_known_by_how_often_they_occur():
    lexicon = Lexicon.build(TEXTS, min_count=2)
    assert set(lexicon.words) == {"<EOS>", "<UNK>", "harry", "met"}
    assert {"H", "h", "1", "."} <= set(lexicon.letters)
    assert set(EVERY.words) >= {"00", "nato", "."}
    rare = Lexicon.build(TEXTS, min_count=9)
    assert set(rare.words) == {"<EOS>", "<UNK>", "harry"}, "at least one is known"


def test_a_word_is_looked_up_without_its_casing_and_digits():
    words = EVERY.encode(["HARRY", "harry", "99", "00", "Ron"])
    known = [EVERY.words[i] for i in words.word]
    assert known == ["harry", "harry", "00", "00", "<UNK>"]


def test_a_word_keeps_its_letters_and_its_casing():
    words = EVERY.encode([*TEXTS[0], "iPods", "x" * 99, "NATO"])
    kinds = [CASINGS[i] for i in words.casing]
    assert kinds == "Capital lower number lower other miXed lower UPPER".split()
    assert words.length.tolist() == [5, 3, 2, 4, 1, 5, LONGEST, 4]
    letters = words.letters[1, : words.length[1]]
    assert [EVERY.letters[i] for i in letters] == list("met")
    assert not words.letters[1, 3:].any()


def test_a_share_of_the_words_becomes_unknown():
    word = jnp.full((50, 40), 5)
    words = Words(word, word[..., None], word, word)
    found = EVERY.word_dropout(words, jax.random.key(0), 0.3)
    unknown = np.asarray(found.word) == EVERY.words.index("<UNK>")
    assert 0.25 < unknown.mean() < 0.35
    assert (np.asarray(found.word)[~unknown] == 5).all()
    assert all(jnp.array_equal(a, b) for a, b in zip(found[1:], words[1:], strict=True))
    kept = EVERY.word_dropout(words, jax.random.key(0), 0.0)
    assert jnp.array_equal(kept.word, word)


@pytest.mark.parametrize("words", [[], ["a", ""]], ids=["no word", "an empty word"])
def test_a_sentence_without_words_is_refused(words):
    with pytest.raises(ValueError, match="at least one word, and no word is empty"):
        EVERY.encode(words)


def test_a_lexicon_is_made_of_vocabularies():
    with pytest.raises(ValueError, match="sorted and unique"):
        Lexicon(("b", "a"), EVERY.letters)
    with pytest.raises(ValueError, match="holds <EOS>"):
        Lexicon(EVERY.words, ("a", "b"))


def test_words_are_read_by_their_letters_however_padded():
    """And a word's vector does not know its neighbours."""
    rng = np.random.default_rng(0)
    model = WordFeatures(9, 7, 6, 4, Bidirectional(GRU(3)))
    length = jnp.array([[3, 1, 4], [1, 0, 0]])
    letters = jnp.asarray(rng.integers(0, 7, (2, 3, 4)))
    word, casing = (jnp.asarray(rng.integers(0, 6, (2, 3))) for _ in range(2))
    inputs = Words(word, letters, length, casing)
    variables = random_variables_for(model, inputs)
    whole = apply(model, variables, inputs)
    assert whole.shape == (2, 3, 4 + 2 * 6 + 8)
    for row, t in ((0, 0), (0, 1), (1, 0)):
        n = int(length[row, t])
        alone = Words(*(a[row, t][None, None] for a in inputs))
        alone = alone._replace(letters=alone.letters[..., :n])
        found = apply(model, variables, alone)[0, 0]
        np.testing.assert_allclose(whole[row, t], found, rtol=1e-5, atol=1e-6)
    other = inputs._replace(letters=inputs.letters.at[0, 2, 3].add(1))
    changed = apply(model, variables, other) != whole
    assert jnp.any(changed[0, 2]) and not jnp.any(changed.at[0, 2].set(False))
