"""`python -m experiments.speed` races seqjax against every installed peer."""
