"""A student's functions of the course's assignment 1, all of them right."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


def rnn_cell_forward(xt, a_prev, parameters):
    Wax, Waa, Wya, ba, by = (parameters[k] for k in ("Wax", "Waa", "Wya", "ba", "by"))
    a_next = np.tanh(Waa @ a_prev + Wax @ xt + ba)
    yt_pred = softmax(Wya @ a_next + by)
    return a_next, yt_pred, (a_next, a_prev, xt, parameters)


def rnn_forward(x, a0, parameters):
    caches, a, y, a_next = [], [], [], a0
    for t in range(x.shape[2]):
        a_next, yt, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a.append(a_next)
        y.append(yt)
        caches.append(cache)
    return np.stack(a, 2), np.stack(y, 2), (caches, x)


def rnn_cell_backward(da_next, cache):
    a_next, a_prev, xt, parameters = cache
    dtanh = (1 - a_next**2) * da_next
    return {
        "dxt": parameters["Wax"].T @ dtanh,
        "dWax": dtanh @ xt.T,
        "da_prev": parameters["Waa"].T @ dtanh,
        "dWaa": dtanh @ a_prev.T,
        "dba": np.sum(dtanh, axis=1, keepdims=True),
    }


def rnn_backward(da, caches):
    steps, x = caches
    da_next, dx, sums = np.zeros_like(da[:, :, 0]), np.zeros_like(x), {}
    for t in reversed(range(x.shape[2])):
        back = rnn_cell_backward(da[:, :, t] + da_next, steps[t])
        da_next, dx[:, :, t] = back["da_prev"], back["dxt"]
        for name in ("dWax", "dWaa", "dba"):
            sums[name] = sums.get(name, 0) + back[name]
    return {"dx": dx, "da0": da_next, **sums}


def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    p, concat = parameters, np.concatenate([a_prev, xt])
    ft = sigmoid(p["Wf"] @ concat + p["bf"])
    it = sigmoid(p["Wi"] @ concat + p["bi"])
    cct = np.tanh(p["Wc"] @ concat + p["bc"])
    c_next = ft * c_prev + it * cct
    ot = sigmoid(p["Wo"] @ concat + p["bo"])
    a_next = ot * np.tanh(c_next)
    yt_pred = softmax(p["Wy"] @ a_next + p["by"])
    cache = (a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters)
    return a_next, c_next, yt_pred, cache


def lstm_forward(x, a0, parameters):
    caches, a, y, c, a_next, c_next = [], [], [], [], a0, np.zeros_like(a0)
    for t in range(x.shape[2]):
        step = lstm_cell_forward(x[:, :, t], a_next, c_next, parameters)
        a_next, c_next, yt, cache = step
        a.append(a_next)
        c.append(c_next)
        y.append(yt)
        caches.append(cache)
    return np.stack(a, 2), np.stack(y, 2), np.stack(c, 2), (caches, x)


def lstm_cell_backward(da_next, dc_next, cache):
    a_next, c_next, a_prev, c_prev, ft, it, cct, ot, xt, parameters = cache
    n_a = a_prev.shape[0]
    dot = da_next * np.tanh(c_next) * ot * (1 - ot)
    dc = dc_next + ot * (1 - np.tanh(c_next) ** 2) * da_next
    dcct = dc * it * (1 - cct**2)
    dit = dc * cct * it * (1 - it)
    dft = dc * c_prev * ft * (1 - ft)
    concat = np.concatenate([a_prev, xt])
    Wf, Wi, Wc, Wo = (parameters[f"W{gate}"] for gate in "fico")
    da_prev = Wf[:, :n_a].T @ dft + Wi[:, :n_a].T @ dit
    da_prev += Wc[:, :n_a].T @ dcct + Wo[:, :n_a].T @ dot
    dxt = Wf[:, n_a:].T @ dft + Wi[:, n_a:].T @ dit
    dxt += Wc[:, n_a:].T @ dcct + Wo[:, n_a:].T @ dot
    return {
        "dxt": dxt,
        "da_prev": da_prev,
        "dc_prev": dc * ft,
        "dWf": dft @ concat.T,
        "dWi": dit @ concat.T,
        "dWc": dcct @ concat.T,
        "dWo": dot @ concat.T,
        "dbf": np.sum(dft, axis=1, keepdims=True),
        "dbi": np.sum(dit, axis=1, keepdims=True),
        "dbc": np.sum(dcct, axis=1, keepdims=True),
        "dbo": np.sum(dot, axis=1, keepdims=True),
    }


def lstm_backward(da, caches):
    steps, x = caches
    da_next, dc_next = np.zeros_like(da[:, :, 0]), np.zeros_like(da[:, :, 0])
    dx, sums = np.zeros_like(x), {}
    for t in reversed(range(x.shape[2])):
        back = lstm_cell_backward(da[:, :, t] + da_next, dc_next, steps[t])
        da_next, dc_next = back["da_prev"], back["dc_prev"]
        dx[:, :, t] = back["dxt"]
        for name in (f"d{kind}{gate}" for kind in "Wb" for gate in "fico"):
            sums[name] = sums.get(name, 0) + back[name]
    return {"dx": dx, "da0": da_next, **sums}
