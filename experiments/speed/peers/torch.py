"""PyTorch: its fused nn.LSTM, nn.GRU and nn.RNN, time-major, on all cores."""

import os

import numpy as np
import torch
from torch.nn.utils import rnn

from experiments.speed.cases import Case, CellWeights, Weights, named
from experiments.speed.peers import Runner

PACKAGES = ("torch",)
LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
SUFFIXES = ("", "_reverse")

torch.set_num_threads(os.cpu_count() or 1)


def sequence(case: Case) -> Runner:
    """Outputs or gradient; ragged rows are packed in every run."""
    xs, lengths, mask = case.sequences()
    xs, network = torch.from_numpy(xs), _network(case)
    params = list(network.parameters())

    def forward():
        if lengths is None:
            return network(xs)[0]
        packed = rnn.pack_padded_sequence(xs, lengths, enforce_sorted=False)
        return network(packed)[0]

    def outputs():
        with torch.inference_mode():
            ys = forward()
            whole = lengths is None
            return ys if whole else rnn.pad_packed_sequence(ys, total_length=case.T)[0]

    def gradient():
        ys = forward()
        loss = (ys if lengths is None else ys.data).square().mean()
        return torch.autograd.grad(loss, params)

    def gradients(arrays):
        names = (name for name, _ in network.named_parameters())
        return named(_at_home(case, dict(zip(names, arrays, strict=True))))

    note = "packed" if case.network.ragged else ""
    if case.mode == "forward":
        return Runner(outputs, lambda ys: {"outputs": ys.numpy()}, note)
    return Runner(gradient, gradients, note)


def streaming(case: Case) -> Runner:
    """A step of the cell a call: faster than nn.LSTM over one step."""
    cell = torch.nn.LSTMCell(case.n_in, case.H)
    _assign(cell, _tensors(case.weights().layers[0][0], ""))
    zero = torch.zeros(case.B, case.H)
    xs = [torch.from_numpy(x) for x in case.sequences().xs]

    @torch.inference_mode()
    def run():
        state, ys = (zero, zero), []
        for x in xs:
            state = cell(x, state)
            ys.append(state[0])
        return ys

    return Runner(run, lambda ys: {"outputs": torch.stack(ys).numpy()})


def language_model(case: Case) -> Runner:
    """A training step; the second bias of each gate is fixed, since others have one."""
    weights, network = case.weights(), _network(case)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith("bias_hh"))
    embed = torch.nn.Embedding.from_pretrained(_tensor(weights.embedding), freeze=False)
    read = torch.nn.Linear(case.H, case.n_in)
    _assign(read, {"weight": weights.w_y.T, "bias": weights.b_y})
    params = [p for m in (embed, network, read) for p in m.parameters()]
    optimizer = torch.optim.SGD(params, lr=1.0)
    tokens, targets = (torch.from_numpy(a).long() for a in case.text())
    cross_entropy = torch.nn.functional.cross_entropy

    def run():
        logits = read(network(embed(tokens))[0])
        nats = cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
        loss = nats / case.B
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 5.0)
        optimizer.step()
        return loss.detach()

    def numbers(loss):
        after = Weights(
            _at_home(case, dict(network.named_parameters())).layers,
            _array(embed.weight),
            _array(read.weight).T,
            _array(read.bias),
        )
        begin = named(weights)
        moved = {name: array - begin[name] for name, array in named(after).items()}
        return {"loss": loss.numpy(), **moved}

    return Runner(run, numbers)


def _network(case: Case) -> torch.nn.Module:
    network = LAYERS[case.network.cell](
        case.widths[0],
        case.H,
        num_layers=case.network.layers,
        bidirectional=case.network.directions == 2,
    )
    for i, layer in enumerate(case.weights().layers):
        for direction, suffix in zip(layer, SUFFIXES, strict=False):
            _assign(network, _tensors(direction, f"_l{i}{suffix}"))
    return network


def _tensors(direction: CellWeights, end: str) -> dict[str, np.ndarray]:
    """Two biases, of which ours is the sum."""
    arrays = {"weight_ih": direction.w_x.T, "weight_hh": direction.w_h.T}
    arrays |= {"bias_ih": direction.b, "bias_hh": 0 * direction.b}
    return {name + end: array for name, array in arrays.items()}


def _at_home(case: Case, tensors: dict[str, torch.Tensor]) -> Weights:
    """Its tensors in our layout; the second bias has no place there."""

    def direction(end):
        w_x, w_h = (_array(tensors[f"weight_{side}{end}"]).T for side in ("ih", "hh"))
        return CellWeights(w_x, w_h, _array(tensors[f"bias_ih{end}"]))

    suffixes = SUFFIXES[: case.network.directions]
    return Weights(
        tuple(
            tuple(direction(f"_l{i}{suffix}") for suffix in suffixes)
            for i in range(case.network.layers)
        )
    )


def _assign(module: torch.nn.Module, arrays: dict[str, np.ndarray]) -> None:
    with torch.no_grad():
        for name, array in arrays.items():
            module.get_parameter(name).copy_(_tensor(array))


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()
