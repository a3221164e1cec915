"""Baselines that a recurrent model has to beat: n-grams, translation by word."""

from seqjax.baselines.ngram import Ngram, best_ngram, unigram
from seqjax.baselines.word_for_word import WordForWord, word_for_word

__all__ = ["Ngram", "WordForWord", "best_ngram", "unigram", "word_for_word"]
