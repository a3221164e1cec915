"""Tokenizers: texts to tokens and back, by characters, words and byte pairs."""

import re

import numpy as np
import pytest

from seqjax.data import Tokenizer, split_words
from seqjax.extras import MissingLibrary

TEXTS = ["the cat sat on the mat .", "a cat, the mat: “über” 12!", "naïve cafés"] * 3
KINDS = {"chars": 50, "spaced": 50, "words": 50, "bpe": 300}
TOKENIZERS = {kind: Tokenizer.build(TEXTS, kind, size) for kind, size in KINDS.items()}
each = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS.keys())

STRANGE = [
    "the cat",
    "日本語 и русский",
    "\u0000\u0007 control",
    "👩‍👩‍👧 emoji",
    "tabs\tand\u00a0spaces   in a row",
    "<EO> <UN> <s>",
    "x" * 500,
]


@each
def test_learned_texts_come_back(tokenizer):
    for text in TEXTS:
        found = tokenizer.decode(tokenizer.encode(text))
        assert found.replace(" ", "") == text.replace(" ", "")
        if tokenizer.kind in ("chars", "bpe", "spaced"):
            assert found == text


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_byte_pairs_write_any_text(text):
    """No byte is unknown, whatever the text; a line's ends lose their white space."""
    tokenizer = TOKENIZERS["bpe"]
    ids = tokenizer.encode(text)
    assert tokenizer.vocabulary.unk not in ids
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode(tokenizer.encode(f"  {text} ")) == text


def test_byte_pairs_write_random_characters():
    rng, tokenizer = np.random.default_rng(0), TOKENIZERS["bpe"]
    for _ in range(50):
        codes = rng.integers(1, 0x11000, size=20)
        text = "".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000).strip()
        ids = tokenizer.encode(text)
        assert tokenizer.vocabulary.unk not in ids
        assert tokenizer.decode(ids) == text


def test_frequent_words_are_one_byte_pair_and_rare_ones_several():
    tokenizer = TOKENIZERS["bpe"]
    assert len(tokenizer.tokenize("the cat")) == 2
    assert len(tokenizer.tokenize("zxqj")) >= 4


@each
def test_the_size_is_kept(tokenizer):
    size = KINDS[tokenizer.kind]
    assert len(tokenizer.tokens) <= size + 2
    assert {"<EOS>", "<UNK>"} <= set(tokenizer.tokens)
    if tokenizer.kind == "bpe":
        assert len(tokenizer.tokens) > 256 + 2, "pairs were learned"
    else:
        few = Tokenizer.build(TEXTS, tokenizer.kind, 3)
        assert len(few.tokens) == 5
        assert few.vocabulary.unk in few.encode(TEXTS[0])


@each
def test_an_end_of_line_among_tokens_is_a_line_break(tokenizer):
    one, other = tokenizer.tokenize("the cat"), tokenizer.tokenize("a mat")
    tokens = [*one, "<EOS>", *other, "<EOS>", "<EOS>"]
    assert tokenizer.detokenize(tokens) == "the cat\na mat\n\n"
    assert tokenizer.detokenize([]) == ""
    ids = tokenizer.vocabulary.encode(tokens)
    assert tokenizer.decode(ids) == "the cat", "up to the first"


@each
def test_an_end_is_put_where_it_is_asked_for(tokenizer):
    eos = tokenizer.vocabulary.eos
    ids = tokenizer.encode("the mat")
    assert ids[-1] == eos and ids.dtype == np.int32
    np.testing.assert_array_equal(tokenizer.encode("the mat", eos=False), ids[:-1])


def test_punctuation_is_a_word_of_its_own():
    text = "« J'aime l'école », dit-il : 3.5 fois..."
    expected = "« J'aime l'école » , dit-il : 3.5 fois . . .".split()
    assert split_words(text) == expected
    tokenizer = TOKENIZERS["words"]
    assert tokenizer.tokenize(text) == expected
    assert tokenizer.detokenize(["Yes", ",", "we", "can", "."]) == "Yes, we can."
    assert TOKENIZERS["spaced"].tokenize("a, b") == ["a,", "b"]


BAD = {
    "no tokenizer of the kind 'letters'; choose one of chars": (
        lambda: Tokenizer.build(TEXTS, "letters")
    ),
    "of the kind 'x'": lambda: Tokenizer("x", ("<EOS>", "<UNK>")),
    "a vocabulary is sorted": lambda: Tokenizer("chars", ("b", "a")),
    "byte pairs need a vocabulary of at least 256, not 255": (
        lambda: Tokenizer.build(TEXTS, "bpe", 255)
    ),
    "at least 256, not None": lambda: Tokenizer.build(TEXTS, "bpe"),
    "size must be at least 1": lambda: Tokenizer.build(TEXTS, "chars", 0),
    "these byte pairs cannot be read": (
        lambda: Tokenizer("bpe", ("<EOS>", "<UNK>"), "{}")
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_makes_no_tokenizer_is_one_sentence(message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        BAD[message]()
    assert "\n" not in str(error.value)


def test_byte_pairs_say_which_library_they_need(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(MissingLibrary, match="tokenizers is not installed"):
        Tokenizer.build(TEXTS, "bpe", 300)
    assert Tokenizer.build(TEXTS, "words").tokenize("a b") == ["a", "b"]
