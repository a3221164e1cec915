"""Baselines that a recurrent model has to beat."""

from seqjax.baselines.ngram import Ngram, best_ngram, unigram

__all__ = ["Ngram", "best_ngram", "unigram"]
