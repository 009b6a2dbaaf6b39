"""Optimisers: those of PyTorch, bit by bit, without its compiler."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch")

from nasbench_kit.training.optimisers import make_optimiser  # noqa: E402
from nasbench_kit.training.recipes import Recipe  # noqa: E402

PEERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1, eps=1e-3, weight_decay=0.01),
}


def steps(make, rate=None):
    """The parameters after a few steps, half of them after its state went to another optimiser."""
    parameters = [torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_(), torch.ones(3, requires_grad=True)]
    optimiser = make(parameters)
    for number in range(6):
        if number == 3:
            state, optimiser = optimiser.state_dict(), make(parameters)
            optimiser.load_state_dict(state)
        if rate is not None:
            optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        (parameters[0] @ parameters[1]).square().sum().backward()
        optimiser.step()
    return [parameter.detach() for parameter in parameters]


@pytest.mark.parametrize("name", PEERS)
def test_steps_are_those_of_pytorch(name):
    recipe = Recipe(optimiser=name, momentum=0.9, weight_decay=0.01, epsilon=1e-3)
    found = steps(lambda parameters: make_optimiser(parameters, recipe), rate=0.1)
    assert all(map(torch.equal, found, steps(PEERS[name])))


@pytest.mark.parametrize("name", [*PEERS, "rmsprop"])
def test_the_compiler_is_not_imported(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)  # so that importing it fails
    steps(lambda parameters: make_optimiser(parameters, Recipe(optimiser=name)), rate=0.1)
