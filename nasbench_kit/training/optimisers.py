"""The optimisers of the recipes: those of PyTorch, and TensorFlow's variant of RMSProp."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from nasbench_kit.training.recipes import Recipe

__all__ = ["RMSProp", "make_optimiser"]


def make_optimiser(parameters: Iterable[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Make the optimiser of a recipe. The caller sets its learning rate before every step."""
    if recipe.optimiser == "sgd":
        return _SGD(
            parameters,
            lr=0.0,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        )
    if recipe.optimiser == "adam":
        return _Adam(parameters, lr=0.0, eps=recipe.epsilon, weight_decay=recipe.weight_decay)
    return RMSProp(parameters, recipe)


class _Uncompiled:
    """Methods of PyTorch's optimisers as they are below their decorators.

    The decorators hide them from ``torch.compile``, which is never used here, and import it: more than a second in every
    process that trains.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class _SGD(_Uncompiled, torch.optim.SGD):
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class _Adam(_Uncompiled, torch.optim.Adam):
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class RMSProp(_Uncompiled, torch.optim.Optimizer):
    """RMSProp as in ``tf.train.RMSPropOptimizer``, which was used to train NAS-Bench-101.

    PyTorch's version adds epsilon outside the root and starts the mean square at 0. Here, epsilon is inside the root,
    which matters when it is 1; the mean square starts at 1; and the momentum buffer includes the learning rate.

    Parameters
    ----------
    parameters : iterable of Tensor
    recipe : Recipe
        Provides momentum, weight decay, ``rms_decay`` and ``epsilon``.
    """

    def __init__(self, parameters: Iterable[Tensor], recipe: Recipe) -> None:
        settings = {
            "lr": 0.0,
            "momentum": recipe.momentum,
            "weight_decay": recipe.weight_decay,
            "decay": recipe.rms_decay,
            "epsilon": recipe.epsilon,
        }
        super().__init__(parameters, settings)

    def step(self, closure: Any = None) -> None:
        """Take one step with the current gradients; ``closure`` is ignored."""
        with torch.no_grad():
            self._step()

    def _step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["square"], state["step"] = torch.ones_like(parameter), torch.zeros_like(parameter)
                gradient = parameter.grad.add(parameter, alpha=group["weight_decay"])
                state["square"].mul_(group["decay"]).addcmul_(gradient, gradient, value=1 - group["decay"])
                root = state["square"].add(group["epsilon"]).sqrt_()
                state["step"].mul_(group["momentum"]).addcdiv_(gradient, root, value=group["lr"])
                parameter.sub_(state["step"])
