"""Words as integers: letters, casing, unknown words."""

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.lexicon import LONGEST, Encoder, Lexicon, normal
from seqjax.data.tokenize import CASINGS, split_words
from seqjax.models import Words

TEXTS = ["Harry met 12 cats .".split(), "harry MET NATO iPods".split()]


def test_words_are_known_by_how_often_they_occur():
    lexicon = Lexicon.build(TEXTS, min_count=2)
    assert set(lexicon.words) == {"<EOS>", "<UNK>", "harry", "met"}
    assert {"H", "h", "1", "."} <= set(lexicon.letters)
    assert normal("1996-08-Tue") == "0000-00-tue"
    assert set(Lexicon.build(TEXTS, 1).words) >= {"00", "nato", "."}


def test_a_word_keeps_its_letters_and_its_casing():
    encoder = Encoder(Lexicon.build(TEXTS, 1))
    words = encoder.encode([*TEXTS[0], "iPods", "x" * 99, "NATO"])
    kinds = [CASINGS[i] for i in words.casing]
    assert kinds == "Capital lower number lower other miXed lower UPPER".split()
    assert words.length.tolist() == [5, 3, 2, 4, 1, 5, LONGEST, 4]
    spelled = words.letters[1, : words.length[1]]
    assert [encoder.letters.tokens[i] for i in spelled] == list("met")
    assert not words.letters[1, 3:].any()
    assert words.word[-2] == encoder.words.unk != words.word[-1]


def test_a_share_of_the_words_is_forgotten():
    encoder = Encoder(Lexicon.build(TEXTS, 1))
    word = jnp.full((50, 40), 5)
    words = Words(word, word[..., None], word, word)
    found = encoder.forget(words, jax.random.key(0), 0.3)
    unknown = np.asarray(found.word) == encoder.words.unk
    assert 0.25 < unknown.mean() < 0.35
    assert (np.asarray(found.word)[~unknown] == 5).all()
    assert all(jnp.array_equal(a, b) for a, b in zip(found[1:], words[1:], strict=True))
    kept = encoder.forget(words, jax.random.key(0), 0.0)
    assert jnp.array_equal(kept.word, word)


def test_punctuation_is_a_word_of_its_own():
    text = "« J'aime l'école », dit-il : 3.5 fois..."
    expected = "« J'aime l'école » , dit-il : 3.5 fois . . .".split()
    assert split_words(text) == expected
