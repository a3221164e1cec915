"""One script a task: ``python -m experiments.names --cell=gru``."""
