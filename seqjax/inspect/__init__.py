"""Numbers of runs and of networks, without plotting."""

from seqjax.inspect.connectivity import connectivity
from seqjax.inspect.eigenvalues import jacobian_eigenvalues
from seqjax.inspect.fixed_points import FixedPoints, fixed_points
from seqjax.inspect.lags import LagGradients, Verdict, gradient_by_lag, verdict
from seqjax.inspect.projection import Projection, principal_components
from seqjax.inspect.reading import Reading, read_text
from seqjax.inspect.runs import RunSummary, differences, groups, read_run
from seqjax.inspect.spectra import (
    LyapunovExponents,
    jacobian_spectrum,
    lyapunov_exponents,
    lyapunov_exponents_of,
)
from seqjax.inspect.states import StateMap, state_map, trajectories
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
from seqjax.inspect.truncation import (
    Similarity,
    Truncation,
    steps_needed,
    truncation,
    truncation_in_pieces,
)
from seqjax.inspect.units import UnitFit, area_under_curve, best_unit, quantities

__all__ = [
    "CellTrace",
    "FixedPoints",
    "LagGradients",
    "LyapunovExponents",
    "Projection",
    "Reading",
    "RunSummary",
    "Similarity",
    "StateMap",
    "Trace",
    "Truncation",
    "UnitActivity",
    "UnitFit",
    "Verdict",
    "activity",
    "area_under_curve",
    "best_unit",
    "cells_of",
    "comparison_table",
    "connectivity",
    "differences",
    "fixed_points",
    "gradient_by_lag",
    "groups",
    "half_life",
    "jacobian_eigenvalues",
    "jacobian_spectrum",
    "lyapunov_exponents",
    "lyapunov_exponents_of",
    "principal_components",
    "quantities",
    "read_run",
    "read_text",
    "state_map",
    "steps_needed",
    "trace",
    "trajectories",
    "truncation",
    "truncation_in_pieces",
    "verdict",
]
