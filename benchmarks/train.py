"""Training of small networks in stacks, beside an ordinary PyTorch loop over the same networks on the same device.

The limits: the device's rate of matrix products, and of copying memory. A stack multiplies zeros to do the rest in few large
calls, so it shows two rates, of all products and of those of the networks. The loop spends its time in calls, and in
convolutions too narrow for vector units.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from statistics import median
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import table
from nasbench_kit.spaces.registry import spec

NETWORKS, EPOCHS, SEEDS, ROUNDS, IMAGES = 4, 1, (0, 1, 2), 3, (300, 100, 100)


def run() -> dict[str, Any]:
    try:
        import torch

        from nasbench_kit.training.datasets import load_digits

        load_digits()
    except ImportError:
        print("torch or scikit-learn is not installed: left out")
        return {}
    torch.set_num_threads(1)
    found = {}
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        limits = {name: float(f"{rate:.3g}") for name, rate in rates(device).items()}
        print(f"{device}: matrix products {limits['GFLOP/s']} GFLOP/s, copies {limits['GB/s']} GB/s")
        spaces = {name: of_a_space(name, device) for name in nk.list_spaces() if spec(name).network is not None}
        table(
            [
                "a training: an epoch of 300 images, evaluation of 500",
                "loop",
                "stack",
                "time, loop / stack",
                "GFLOP/s",
                "with zeros",
            ],
            [
                [
                    name,
                    f"{loop * 1e3:.0f} ms",
                    f"{stack * 1e3:.0f} ms",
                    f"{loop / stack:.2f}",
                    f"{useful:.1f}",
                    f"{all_:.1f}",
                ]
                for name, (loop, stack, useful, all_) in spaces.items()
            ],
        )
        found[device] = {"limits": limits, "spaces": spaces}
    found["cells"] = stack_of_cells()
    loop, cells = found["cells"]["loop"], found["cells"]["cells"]
    print(
        f"a stack of 40 cells of nb201, as in the bundled table: {cells * 1e3:.0f} ms a training, loop / stack {loop / cells:.2f}"
    )
    return found


def seconds_of(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median CPU time of each, in turn; one thread computes, and the clock would also count the machine's other work."""
    import torch

    times: dict[str, list[float]] = {name: [] for name in calls}
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: median(values) for name, values in times.items()}


def rates(device: str) -> dict[str, float]:
    """The device's limits: a product of two matrices of 1024 x 1024, and copies of 160 MB."""
    import torch

    a, b = torch.randn(2, 1024, 1024, device=device).unbind()
    source = torch.randn(40_000_000, device=device)
    target = torch.empty_like(source)

    def product() -> None:
        for _ in range(20):
            torch.mm(a, b)
        float(a[0, 0])  # waits for the device

    def copy() -> None:
        for _ in range(10):
            target.copy_(source)
        float(target[0])

    product(), copy()
    seconds = seconds_of({"product": product, "copy": copy})
    return {"GFLOP/s": 20 * 2 * 1024**3 / seconds["product"] / 1e9, "GB/s": 10 * 2 * 160e6 / seconds["copy"] / 1e9}


def of_a_space(name: str, device: str) -> tuple[float, float, float, float]:
    """Seconds of a training in a loop and in a stack, and the stack's GFLOP/s without and with zeros."""
    from nasbench_kit.training.setting import make_setting
    from nasbench_kit.training.stacks.layers import products
    from nasbench_kit.training.stacks.recording import record
    from nasbench_kit.training.stacks.training import train_stack

    setting, space = make_setting(name, "digits", epochs=EPOCHS), nk.space(name)
    networks = [[setting.network(x, seed) for seed in SEEDS] for x in space.canonical(space.sample(NETWORKS, 1))]
    data, recipe = setting.data.sample(*IMAGES), setting.recipe
    trainings = NETWORKS * len(SEEDS)

    def loop() -> None:
        for row in networks:
            for network, seed in zip(row, SEEDS, strict=True):
                plain_loop(network, data, recipe, seed, device)

    seconds = seconds_of({"loop": loop, "stack": lambda: train_stack(networks, data, recipe, SEEDS, device=device)})
    useful = executed = 0
    for row in networks:
        steps = record(row[0], data.shape).steps
        for step in steps:
            if step.kind.startswith("conv"):
                _, inputs, high, wide = step.settings[0][0]
                useful += prod(step.shape) * inputs * high * wide
                executed += prod(step.shape) * products(step.settings[0], steps[step.inputs[0]].shape)
    passes = len(SEEDS) * EPOCHS * (3 * IMAGES[0] + sum(IMAGES))  # a step is three passes
    rates = [2 * passes * number / seconds["stack"] / 1e9 for number in (useful, executed)]
    return seconds["loop"] / trainings, seconds["stack"] / trainings, rates[0], rates[1]


def plain_loop(network: Any, data: Any, recipe: Any, seed: int, device: str) -> None:
    """A training as one would write it."""
    import copy

    import torch

    from nasbench_kit.training.batches import image_order
    from nasbench_kit.training.datasets import PARTS

    loss = torch.nn.functional.cross_entropy
    network = copy.deepcopy(network).to(device)
    images, labels = torch.from_numpy(data.images).to(device), torch.from_numpy(data.labels).to(device)
    where = {part: torch.from_numpy(data.part(part)) for part in PARTS}
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for epoch in range(EPOCHS):
        network.train()
        for batch in where["train"][image_order(seed, epoch, len(where["train"]))].to(device).split(recipe.batch_size):
            optimiser.zero_grad()
            loss(network(images[batch]), labels[batch]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            for chosen in where.values():
                loss(network(images[chosen]), labels[chosen]).item()


def stack_of_cells() -> dict[str, float]:
    """Seconds of a training of a cell of nb201, in stacks of 40 networks as in the bundled table, and in a loop."""
    from nasbench_kit.spaces.nb201.cost import SKELETONS
    from nasbench_kit.training.datasets import load_digits
    from nasbench_kit.training.recipes import Recipe
    from nasbench_kit.training.stacked import initial_network, train_stacked

    skeleton, recipe, space, data = SKELETONS["digits"], Recipe(epochs=EPOCHS), nk.space("nb201"), load_digits()
    networks = np.unique(space.key(space.all()))
    numbers = np.sort(np.random.default_rng(1).choice(networks, 40, replace=False))
    rows = space.from_number(numbers)
    looped = range(0, 40, 5)

    def loop() -> None:
        for i in looped:
            for seed in SEEDS:
                plain_loop(
                    initial_network(int(numbers[i]), rows[i].tolist(), skeleton, seed), data, recipe, seed, "cpu"
                )

    seconds = seconds_of({"cells": lambda: train_stacked(numbers, rows, skeleton, data, recipe, SEEDS), "loop": loop})
    return {"cells": seconds["cells"] / 120, "loop": seconds["loop"] / (len(looped) * len(SEEDS))}
