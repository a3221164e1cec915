"""How fast a case can be at most on this machine, and what holds it there.

Per step, with P the best product, BW the rate at which W_h is read and R the rate of
tanh:

    t ≥ max(2·G·B·H² / P, 4·G·H² / BW, G·B·H / R)

and 2·G·B·in·H / P for the input. A gradient walks back once more without any tanh, and
takes one product more for each weight, and one for each layer's input that is
itself computed. Padding is not counted.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from experiments.speed.cases import Case

LEVELS = (2**18, 2**20, 2**22)  # bytes that lie in one level of cache or another


class Machine(NamedTuple):
    """Rates measured in the same run, on all cores; see `machine.py`."""

    backend: str  # JAX's: cpu, gpu
    products: float  # floating-point operations a second
    tanhs: float  # numbers a second
    reads: dict[int, float]  # bytes a second, by the bytes of the matrix read

    def read(self, size: int) -> float:
        """Bytes a second from a matrix of this size: no slower than a larger one."""
        return max(rate for of, rate in self.reads.items() if of >= size)


class Limit(NamedTuple):
    """A lower bound of the time of one call."""

    seconds: float
    binds: str  # "product", "bandwidth" or "tanh", whichever takes the most of it


def matrix_bytes(case: Case) -> int:
    """The size of W_h."""
    return 4 * case.gates * case.H**2


def limit(case: Case, machine: Machine) -> Limit:
    """The bound of a case."""
    shares = Counter()
    for i, width in enumerate(case.widths):
        for _ in range(case.network.directions):
            shares.update(_walk(case, machine, width, needs_dx=i > 0 or _is_text(case)))
    if _is_text(case):
        shares["product"] += (
            3 * 2 * case.B * case.T * case.H * case.n_in / machine.products
        )
    binds, _ = shares.most_common(1)[0]
    return Limit(shares.total() / case.calls, binds)


def product_seconds(case: Case, machine: Machine) -> float:
    """The seconds of the products of one call, forward or both ways, at their best."""
    ever = float("inf")
    unbound = machine._replace(tanhs=ever, reads={matrix_bytes(case): ever})
    return limit(case, unbound).seconds


def _walk(case: Case, machine: Machine, width: int, needs_dx: bool) -> Counter:
    """The seconds of one layer in one direction, by what they are spent on."""
    G, B, T, H = case.gates, case.rows, case.T, case.H
    state, inputs = (2 * G * B * n * H / machine.products for n in (H, width))
    step = {
        "product": state,
        "bandwidth": matrix_bytes(case) / machine.read(matrix_bytes(case)),
        "tanh": G * B * H / machine.tanhs,
    }
    shares = Counter(product=T * inputs)
    shares += _slowest(step, T)
    if case.mode == "train":
        shares += _slowest({k: step[k] for k in ("product", "bandwidth")}, T)
        shares["product"] += T * (state + inputs * (2 if needs_dx else 1))
    return shares


def _slowest(step: dict[str, float], T: int) -> Counter:
    name = max(step, key=lambda name: step[name])
    return Counter({name: T * step[name]})


def _is_text(case: Case) -> bool:
    return case.network.task == "language_model"


def probes(cases: Iterable[Case]) -> list[int]:
    """The sizes of matrix whose reading is to be measured."""
    return sorted({matrix_bytes(case) for case in cases} | set(LEVELS))
