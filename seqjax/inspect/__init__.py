"""Numbers of runs and of layers, without plotting."""

from seqjax.inspect.eigenvalues import jacobian_eigenvalues
from seqjax.inspect.fixed_points import FixedPoints, fixed_points
from seqjax.inspect.projection import Projection, principal_components
from seqjax.inspect.runs import RunSummary, differences, groups, read_run
from seqjax.inspect.spectra import (
    LyapunovExponents,
    jacobian_spectrum,
    lyapunov_exponents,
    lyapunov_exponents_of,
)
from seqjax.inspect.states import StateMap, state_map, trajectories
from seqjax.inspect.table import comparison_table

__all__ = [
    "FixedPoints",
    "LyapunovExponents",
    "Projection",
    "RunSummary",
    "StateMap",
    "comparison_table",
    "differences",
    "fixed_points",
    "groups",
    "jacobian_eigenvalues",
    "jacobian_spectrum",
    "lyapunov_exponents",
    "lyapunov_exponents_of",
    "principal_components",
    "read_run",
    "state_map",
    "trajectories",
]
