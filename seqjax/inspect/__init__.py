"""Numbers of runs and of networks, without plotting."""

from seqjax.inspect.lags import LagGradients, Verdict, gradient_by_lag, verdict
from seqjax.inspect.runs import RunSummary, differences, groups, read_run
from seqjax.inspect.table import comparison_table
from seqjax.inspect.trace import (
    CellTrace,
    Trace,
    UnitActivity,
    activity,
    cells_of,
    half_life,
    trace,
)

__all__ = [
    "CellTrace",
    "LagGradients",
    "RunSummary",
    "Trace",
    "UnitActivity",
    "Verdict",
    "activity",
    "cells_of",
    "comparison_table",
    "differences",
    "gradient_by_lag",
    "groups",
    "half_life",
    "read_run",
    "trace",
    "verdict",
]
