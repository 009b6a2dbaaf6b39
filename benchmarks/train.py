"""Training of small networks on one core: stacks of 40 networks x 3 seeds, beside an ordinary PyTorch loop.

The limit: a stack multiplies zeros (a 3x3 convolution as a dense matrix has 7 times the products on 8x8 pixels, 1.8 on
4x4, and fewer than half on 2x2) to do the rest in few large calls; the loop does none of that and spends its time in calls.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import table

NETWORKS, LOOPED, EPOCHS, SEEDS = 40, 8, 1, (0, 1, 2)


def run() -> dict[str, Any]:
    try:
        import torch

        from nasbench_kit.spaces.nb201.cost import SKELETONS
        from nasbench_kit.training.batches import image_order
        from nasbench_kit.training.datasets import PARTS, load_digits
        from nasbench_kit.training.recipes import Recipe
        from nasbench_kit.training.stacked import initial_network, train_stacked

        data = load_digits()
    except ImportError:
        print("torch or scikit-learn is not installed: left out")
        return {}
    torch.set_num_threads(1)
    skeleton, recipe, space = SKELETONS["digits"], Recipe(epochs=EPOCHS), nk.space("nb201")
    networks = np.unique(space.key(space.all()))
    numbers = np.sort(np.random.default_rng(1).choice(networks, NETWORKS, replace=False))
    rows = space.from_number(numbers)
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    where = {part: torch.from_numpy(data.part(part)) for part in PARTS}
    loss = torch.nn.functional.cross_entropy

    def loop(number: int, genes: list[int], seed: int) -> None:
        network = initial_network(number, genes, skeleton, seed)
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        for epoch in range(EPOCHS):
            network.train()
            for batch in where["train"][image_order(seed, epoch, 1000)].split(recipe.batch_size):
                optimiser.zero_grad()
                loss(network(images[batch]), labels[batch]).backward()
                optimiser.step()
            network.eval()
            with torch.no_grad():
                logits = network(images)
                for chosen in where.values():
                    loss(logits[chosen], labels[chosen]).item()

    seconds: dict[str, list[float]] = {"stack": [], "loop": []}
    for _ in range(3):
        start = time.perf_counter()
        train_stacked(numbers, rows, skeleton, data, recipe, SEEDS)
        seconds["stack"].append((time.perf_counter() - start) / NETWORKS)
        start = time.perf_counter()
        for i in range(0, NETWORKS, NETWORKS // LOOPED):
            for seed in SEEDS:
                loop(int(numbers[i]), rows[i].tolist(), seed)
        seconds["loop"].append((time.perf_counter() - start) / LOOPED)
    found = {name: median(values) for name, values in seconds.items()}
    table(
        ["a network, 3 seeds, 1 epoch with evaluation", "stack", "plain loop", "time, loop / stack"],
        [
            [
                "",
                f"{found['stack'] * 1e3:.0f} ms",
                f"{found['loop'] * 1e3:.0f} ms",
                f"{found['loop'] / found['stack']:.1f}",
            ]
        ],
    )
    return {"seconds": found}
