"""Training of any small network: the trainer beside a plain loop, and two ways to train several at once.

``vmap`` over stacked weights is one call instead of one a network, but makes grouped convolutions of all convolutions, which
PyTorch has no fast way for on a CPU. Processes of one core each share nothing and lose nothing but the time to start.
"""

from __future__ import annotations

import copy
import os
import time
from statistics import median
from typing import Any

import nasbench_kit as nk
from benchmarks.timing import in_turn, table
from nasbench_kit.kernels.cores import usable_cores

GENES, SEEDS, EPOCHS, JOBS = [2, 1, 2, 2, 3, 1], (3, 10, 30), 4, 24


def run() -> dict[str, Any]:
    try:
        import torch

        from nasbench_kit.spaces.nb201.cost import SKELETONS
        from nasbench_kit.training.datasets import load_digits
        from nasbench_kit.training.recipes import Recipe
        from nasbench_kit.training.stacked import initial_network

        data = load_digits()
    except ImportError:
        print("torch or scikit-learn is not installed: left out")
        return {}
    torch.set_num_threads(1)
    number = int(nk.space("nb201").number([GENES])[0])
    networks = [initial_network(number, GENES, SKELETONS["digits"], seed) for seed in range(max(SEEDS))]
    recipe = Recipe(epochs=EPOCHS)
    found = {
        "trainer": against_a_loop(networks[0], data, recipe),
        "vmap": vmap(networks, (1, 8, 8)) | vmap_of_a_larger_one(),
        "processes": processes(networks, data, recipe),
    }
    table(
        ["", "one by one", "otherwise", "time, one by one / otherwise"],
        [
            [name, f"{one * 1e3:.1f} ms", f"{other * 1e3:.1f} ms", f"{one / other:.2f}"]
            for group in found.values()
            for name, (one, other) in group.items()
        ],
    )
    return {"seconds": found}


def against_a_loop(network: Any, data: Any, recipe: Any) -> dict[str, tuple[float, float]]:
    """A training of a few epochs, evaluated after each, in a loop as one would write it, and by the trainer."""
    import torch

    from nasbench_kit.training.batches import image_order
    from nasbench_kit.training.datasets import PARTS
    from nasbench_kit.training.trainer import train

    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    where = {part: torch.from_numpy(data.part(part)) for part in PARTS}
    loss = torch.nn.functional.cross_entropy

    def loop() -> None:
        net = copy.deepcopy(network)
        optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        for epoch in range(EPOCHS):
            net.train()
            for batch in where["train"][image_order(0, epoch, 1000)].split(recipe.batch_size):
                optimiser.zero_grad()
                loss(net(images[batch]), labels[batch]).backward()
                optimiser.step()
            net.eval()
            with torch.no_grad():
                for part in where.values():
                    loss(net(images[part]), labels[part]).item()

    times = in_turn({"loop": loop, "trainer": lambda: train(network, data, recipe, device="cpu")}, rounds=5)
    return {f"digits, {EPOCHS} epochs: plain loop, trainer": (times["loop"], times["trainer"])}


def vmap(networks: list[Any], shape: tuple[int, ...], name: str = "digits cell") -> dict[str, tuple[float, float]]:
    """Gradients of several networks of one architecture for a batch of 100 each."""
    import torch
    import torch.nn.functional as F
    from torch.func import functional_call, grad, stack_module_state
    from torch.func import vmap as over

    found = {}
    for seeds in SEEDS:
        if seeds > len(networks):
            break
        chosen = [copy.deepcopy(network).train() for network in networks[:seeds]]
        images, labels = torch.randn(seeds, 100, *shape), torch.randint(0, 10, (seeds, 100))
        weights, buffers = stack_module_state(chosen)
        base = copy.deepcopy(chosen[0])

        def loss(w: Any, b: Any, x: Any, y: Any, base: Any = base) -> Any:
            return F.cross_entropy(functional_call(base, (w, b), (x,)), y)

        gradients = over(grad(loss))

        def each(chosen: Any = chosen, images: Any = images, labels: Any = labels) -> None:
            for network, x, y in zip(chosen, images, labels, strict=True):
                network.zero_grad()
                F.cross_entropy(network(x), y).backward()

        def together(g: Any = gradients, w: Any = weights, b: Any = buffers, x: Any = images, y: Any = labels) -> None:
            g(w, b, x, y)

        times = in_turn({"each": each, "together": together}, rounds=5)
        found[f"{name}, a step of {seeds} seeds: vmap"] = (times["each"], times["together"])
    return found


def vmap_of_a_larger_one() -> dict[str, tuple[float, float]]:
    import torch
    from torch import nn

    def network() -> Any:
        layers: list[Any] = []
        for before, width in ((3, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return vmap([network() for _ in range(10)], (3, 32, 32), "three convolutions at 32x32")


def _train(data: Any, recipe: Any, job: Any) -> Any:
    from nasbench_kit.training.trainer import train

    network, seed = job
    return train(network, data, recipe, seed=seed, device="cpu").metrics


def processes(networks: list[Any], data: Any, recipe: Any) -> dict[str, tuple[float, float]]:
    """Whole trainings, one after another on one core, and by a process a core, start included."""
    from nasbench_kit.training.jobs import JobRunner
    from nasbench_kit.training.trainer import train

    jobs = [(network, seed) for seed, network in enumerate(networks[:JOBS])]
    cores = usable_cores()
    pinned = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    times: dict[str, list[float]] = {"each": [], "pool": []}
    for _ in range(3):
        start = time.perf_counter()
        for network, seed in jobs:
            train(network, data, recipe, seed=seed, device="cpu")
        times["each"].append(time.perf_counter() - start)
        if pinned:
            os.sched_setaffinity(0, range(cores))
        start = time.perf_counter()
        with JobRunner(_train, (data, recipe), processes=cores) as runner:
            list(runner.run(jobs))
        times["pool"].append(time.perf_counter() - start)
        if pinned:
            os.sched_setaffinity(0, pinned)
    return {f"{JOBS} trainings: {cores} processes": (median(times["each"]), median(times["pool"]))}
