"""PyTorch: its fused nn.LSTM, nn.GRU and nn.RNN, time-major, on all cores."""

import os

import numpy as np
import torch
from torch.nn.utils import rnn

from experiments.speed.cases import Case, Weights, named
from experiments.speed.peers import Runner, _ours
from seqjax.bridges import torch as bridge

PACKAGES = ("torch",)

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
    state = _network(case).state_dict()
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in state.items()})
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
    return bridge.export(_ours.layer(case), _ours.params(case, case.weights()))


def _at_home(case: Case, tensors: dict[str, torch.Tensor]) -> Weights:
    """Its tensors in our layout; the second bias has no place there."""
    one_bias = {
        name: 0 * tensor if name.startswith("bias_hh") else tensor
        for name, tensor in tensors.items()
    }
    return _ours.weights_of(case, bridge.from_state_dict(one_bias)[1])


def _assign(module: torch.nn.Module, arrays: dict[str, np.ndarray]) -> None:
    with torch.no_grad():
        for name, array in arrays.items():
            module.get_parameter(name).copy_(_tensor(array))


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(np.ascontiguousarray(array))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()
