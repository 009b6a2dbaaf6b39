"""Train many NAS-Bench-201 networks at once on one core, as those of the bundled table were, to the same bits.

`nasbench_kit.training.stacks` does the same for every space, with other rounding.

Small networks spend most of the time on call overhead, and on convolutions too narrow for vector units. Here, M
networks form one stack of tensors (M, channels, pixels, images). A 3x3 convolution on a small image is a dense matrix
(channels x pixels)^2, zeros included, so a stack of them is one batched matrix product. A stack of 1x1 convolutions is
one already. On one core, this is 2.1 to 3 times as fast as a loop over the networks (`python -m benchmarks train`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb201.cost import CONV1, CONV3, EDGES, POOL, SKIP, NB201Skeleton
from nasbench_kit.training.batches import image_order
from nasbench_kit.training.datasets import PARTS, Dataset
from nasbench_kit.training.networks.nb201 import NB201Network
from nasbench_kit.training.optimisers import make_optimiser
from nasbench_kit.training.recipes import Recipe, learning_rate

__all__ = ["check_stackable", "initial_network", "train_stacked"]


def initial_network(number: int, genes: Sequence[int], skeleton: NB201Skeleton, seed: int) -> NB201Network:
    """Return a network with PyTorch's default initialisation, seeded by genotype and training seed.

    Parameters
    ----------
    number : int
        The genotype's flat index in the space; with ``seed``, it determines the weights.
    genes : sequence of 6 int
    skeleton : NB201Skeleton
    seed : int
        The training seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed * 5**6 + number)
        return NB201Network(genes, skeleton)


def train_stacked(
    numbers: NDArray[np.uint64],
    rows: Genotypes,
    skeleton: NB201Skeleton,
    data: Dataset,
    recipe: Recipe,
    seeds: tuple[int, ...] = (0, 1, 2),
) -> dict[str, NDArray[np.float64]]:
    """Train every network with every seed and evaluate it after every epoch.

    Parameters
    ----------
    numbers : ndarray of uint64, shape (n,)
        The genotypes' flat indices, which determine the initial weights together with the seeds.
    rows : ndarray of uint8, shape (n, 6)
        The genotypes.
    skeleton : NB201Skeleton
        Must have one cell per stage and reduction ``"pool"``.
    data : Dataset
        Standardised images.
    recipe : Recipe
        SGD with Nesterov momentum and cosine annealing to zero by step, without augmentation or regularisation other
        than weight decay.
    seeds : tuple of int
        The training seeds.

    Returns
    -------
    dict
        ``train_accuracy``, ``valid_accuracy``, ``test_accuracy`` (percent) and ``train_loss``, ... (mean cross-entropy,
        nats), each (n, epochs, seeds), measured with the running statistics of batch norms.

    Raises
    ------
    ValueError
        If the recipe is not supported, or its batch size does not divide the number of training images.
    """
    check_stackable(recipe, data)
    dtype = torch.get_default_dtype()
    patches = F.unfold(torch.from_numpy(data.images).to(dtype), 3, padding=1).permute(1, 2, 0).contiguous()
    labels = torch.from_numpy(data.labels)
    where = {part: torch.from_numpy(data.part(part)) for part in PARTS}
    train_patches, train_labels = patches[..., where["train"]], labels[where["train"]]
    count = len(train_labels)

    stack = _Stack(numbers, rows, skeleton, seeds)
    steps_an_epoch = count // recipe.batch_size
    optimiser = make_optimiser(stack.parameters, recipe)
    results = {
        f"{part}_{metric}": np.empty((len(rows), recipe.epochs, len(seeds)))
        for part in PARTS
        for metric in ("accuracy", "loss")
    }
    for epoch in range(recipe.epochs):
        order = torch.stack([image_order(seed, epoch, count) for seed in seeds])
        for batch in range(steps_an_epoch):
            rate = learning_rate(recipe, epoch * steps_an_epoch + batch, recipe.epochs, steps_an_epoch)
            optimiser.param_groups[0]["lr"] = rate
            chosen = order[:, batch * recipe.batch_size : (batch + 1) * recipe.batch_size]
            logits = stack.forward(train_patches[..., chosen].permute(2, 0, 1, 3), training=True)
            target = train_labels[chosen].repeat(len(rows), 1)
            loss = F.cross_entropy(logits, target, reduction="none").mean(dim=1).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            blocks = patches.split(recipe.batch_size, dim=2)  # as small as in training, so that memory is reused
            logits = torch.cat([stack.forward(b.expand(len(seeds), *b.shape), training=False) for b in blocks], dim=2)
            losses = F.cross_entropy(logits, labels.repeat(len(logits), 1), reduction="none")
            hits = (logits.argmax(dim=1) == labels).to(torch.float64)
        for part in PARTS:
            shape = (len(rows), len(seeds))
            accuracy = 100 * hits[:, where[part]].sum(dim=1) / len(where[part])
            results[f"{part}_accuracy"][:, epoch] = accuracy.reshape(shape).numpy()
            results[f"{part}_loss"][:, epoch] = losses[:, where[part]].double().mean(dim=1).reshape(shape).numpy()
    return results


def check_stackable(recipe: Recipe, data: Dataset) -> None:
    """Raise ValueError if networks cannot be trained in a stack with this recipe and data."""
    plain = replace(
        Recipe(),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    if recipe != plain:
        raise ValueError(
            "stacked training needs SGD with Nesterov momentum, cosine annealing to zero and no augmentation"
        )
    if len(data.part("train")) % recipe.batch_size:
        raise ValueError(f"batch_size {recipe.batch_size} must divide the {len(data.part('train'))} training images")
    if data.images.dtype != np.float32 or data.mean.any() or (data.std != 1).any():
        raise ValueError(f"stacked training needs standardised images; those of {data.name} are not")


class _Convolutions:
    """All convolutions of one kind from one node of one stage over the stack, with parameters and batch norms."""

    def __init__(self, modules: Sequence[torch.nn.Sequential], taps: Tensor | None) -> None:
        kernels = torch.stack([m[1].weight.detach() for m in modules])
        self.instances, self.width = kernels.shape[:2]
        self.kernel = kernels.reshape(self.instances, self.width**2, -1).requires_grad_()
        self.norm = _Norm([m[2] for m in modules])
        self.taps = taps
        self.cached: Tensor | None = None

    def __call__(self, x: Tensor, training: bool) -> Tensor:
        if self.taps is None:
            y = torch.bmm(self.kernel.view(self.instances, self.width, self.width), torch.relu(x).flatten(2))
        else:
            y = torch.bmm(self._dense(x.shape[2], training), torch.relu(x).flatten(1, 2))
        return self.norm(y, training).view(x.shape)

    def _dense(self, pixels: int, training: bool) -> Tensor:
        """Return dense matrices (instances, channels x pixels, channels x pixels), cached between evaluations."""
        if training or self.cached is None:
            joined = (self.kernel @ self.taps).view(self.instances, self.width, self.width, pixels, pixels)
            dense = joined.transpose(2, 3).reshape(self.instances, self.width * pixels, self.width * pixels)
            self.cached = None if training else dense
            return dense
        return self.cached


class _Norm:
    """The batch norms of a stack, applied in one call over (instances x channels)."""

    def __init__(self, modules: Sequence[torch.nn.Module]) -> None:
        self.weight = torch.cat([m.weight.detach() for m in modules]).requires_grad_()
        self.bias = torch.cat([m.bias.detach() for m in modules]).requires_grad_()
        self.mean, self.variance = torch.zeros_like(self.weight), torch.ones_like(self.weight)

    def __call__(self, x: Tensor, training: bool) -> Tensor:
        flat = x.reshape(1, len(self.weight), -1)
        return F.batch_norm(flat, self.mean, self.variance, self.weight, self.bias, training).view(x.shape)


@dataclass
class _Group:
    """The edges of one operation from one node over the stack, sorted by target node."""

    operation: int
    models: Tensor  # (instances,) index of the network in the stack
    targets: list[tuple[int, Tensor]]  # target node and its networks, in the order of `models`
    convolutions: list[_Convolutions]  # one per stage; empty unless the operation is a convolution


class _Stack:
    """All networks with all seeds as one stack; network n with seed s has index n * seeds + s."""

    def __init__(
        self, numbers: NDArray[np.uint64], rows: Genotypes, skeleton: NB201Skeleton, seeds: tuple[int, ...]
    ) -> None:
        networks = [
            initial_network(int(number), row, skeleton, seed)
            for number, row in zip(numbers, rows.tolist(), strict=True)
            for seed in seeds
        ]
        sides = [skeleton.image[1] >> stage for stage in range(len(skeleton.channels))]
        self.models, self.seeds, self.width = len(networks), len(seeds), skeleton.channels[0]
        self.sides = sides
        stems = torch.stack([m.stem[0].weight.detach().reshape(self.width, -1) for m in networks])
        self.stem = stems.view(-1, self.seeds, *stems.shape[1:]).requires_grad_()
        self.stem_norm = _Norm([m.stem[1] for m in networks])
        self.reductions = [
            torch.stack([m.reductions[i][1].weight.detach().flatten(1) for m in networks]).requires_grad_()
            for i in range(len(sides) - 1)
        ]
        self.reduction_norms = [_Norm([m.reductions[i][2] for m in networks]) for i in range(len(sides) - 1)]
        self.head_norm = _Norm([m.norm for m in networks])
        self.weight = torch.stack([m.classifier.weight.detach() for m in networks]).requires_grad_()
        self.bias = torch.stack([m.classifier.bias.detach()[:, None] for m in networks]).requires_grad_()

        live = _live_edges(rows)
        self.groups: list[list[_Group]] = [[], [], []]
        for source in range(3):
            for operation in (SKIP, CONV1, CONV3, POOL):
                targets, modules = [], []
                for edge, (start, target) in enumerate(EDGES):
                    if start == source:
                        nets = np.flatnonzero(live[:, edge] & (rows[:, edge] == operation))
                        chosen = (nets[:, None] * len(seeds) + np.arange(len(seeds))).ravel()
                        if len(chosen):
                            targets.append((target, torch.from_numpy(chosen)))
                            modules += [(networks[m], edge) for m in chosen]
                if targets:
                    convolutions = [
                        _Convolutions(
                            [net.stages[stage][0].edges[edge] for net, edge in modules],
                            None if operation == CONV1 else _taps(side, 3),
                        )
                        for stage, side in enumerate(sides)
                        if operation in (CONV1, CONV3)
                    ]
                    models = torch.cat([m for _, m in targets])
                    self.groups[source].append(_Group(operation, models, targets, convolutions))

    @property
    def parameters(self) -> list[Tensor]:
        """All trainable tensors of the stack."""
        convolutions = [c for groups in self.groups for group in groups for c in group.convolutions]
        norms = [self.stem_norm, *self.reduction_norms, self.head_norm, *(c.norm for c in convolutions)]
        return [
            self.stem,
            *self.reductions,
            self.weight,
            self.bias,
            *(c.kernel for c in convolutions),
            *(norm.weight for norm in norms),
            *(norm.bias for norm in norms),
        ]

    def forward(self, patches: Tensor, training: bool) -> Tensor:
        """Return logits (models, classes, images) for the patches of each seed (seeds, 9, pixels, images)."""
        x = torch.bmm(self.stem.transpose(0, 1).flatten(1, 2), patches.flatten(2))
        x = x.view(self.seeds, -1, self.width, *patches.shape[2:]).transpose(0, 1).flatten(0, 1)
        x = self._cell(0, self.stem_norm(x, training), training)
        for stage, (kernel, norm) in enumerate(zip(self.reductions, self.reduction_norms, strict=True), start=1):
            x = _pool(x, self.sides[stage - 1], 2)
            x = torch.bmm(kernel, x.flatten(2)).view(self.models, -1, *x.shape[2:])
            x = self._cell(stage, norm(x, training), training)
        x = torch.relu(self.head_norm(x, training)).mean(dim=2)
        return torch.baddbmm(self.bias, self.weight, x)

    def _cell(self, stage: int, x: Tensor, training: bool) -> Tensor:
        nodes = [x, *(torch.zeros_like(x) for _ in range(3))]
        for source, groups in enumerate(self.groups):
            for group in groups:
                y = nodes[source].index_select(0, group.models)
                if group.operation == POOL:
                    y = _pool(y, self.sides[stage], 3)
                elif group.convolutions:
                    y = group.convolutions[stage](y, training)
                start = 0
                for target, models in group.targets:
                    nodes[target].index_add_(0, models, y[start : start + len(models)])
                    start += len(models)
        return nodes[3]


def _live_edges(rows: Genotypes) -> NDArray[np.bool_]:
    """Return a mask of the edges that reach the output, (n, 6). The others have no effect and are skipped."""
    reaches = np.zeros((len(rows), 4), dtype=np.bool_)
    reaches[:, 3] = True
    live = np.zeros(rows.shape, dtype=np.bool_)
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        live[:, edge] = reaches[:, target] & (rows[:, edge] != 0)
        reaches[:, source] |= live[:, edge]
    return live


def _taps(side: int, kernel: int) -> Tensor:
    """Return which kernel element connects which pixels, zero-padded: (kernel^2, pixels out x pixels in) of 0 and 1."""
    taps = np.zeros((kernel, kernel, side, side, side, side))
    for dy, dx, y, x in np.ndindex(kernel, kernel, side, side):
        row, column = y + dy - kernel // 2, x + dx - kernel // 2
        if 0 <= row < side and 0 <= column < side:
            taps[dy, dx, y, x, row, column] = 1
    return torch.from_numpy(taps.reshape(kernel**2, side**4)).to(torch.get_default_dtype())


def _pool(x: Tensor, side: int, size: int) -> Tensor:
    """Average-pool (models, channels, pixels, images), by 3x3 at stride 1 without counting padding, or by 2."""
    models, channels, _, images = x.shape
    # with images innermost, this is PyTorch's channels-last layout with images as channels
    pixels_last = x.view(models * channels, side, side, images).permute(0, 3, 1, 2)
    if size == 3:
        y = F.avg_pool2d(pixels_last, 3, stride=1, padding=1, count_include_pad=False)
    else:
        y = F.avg_pool2d(pixels_last, 2)
    return y.permute(0, 2, 3, 1).reshape(models, channels, -1, images)
