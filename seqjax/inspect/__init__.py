"""Numbers of runs, without plotting."""

from seqjax.inspect.runs import RunSummary, differences, groups, read_run
from seqjax.inspect.table import comparison_table

__all__ = ["RunSummary", "comparison_table", "differences", "groups", "read_run"]
