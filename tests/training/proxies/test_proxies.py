"""Each proxy against what it is by definition: by hand, by finite differences, by explicit Jacobians; and what all have in common."""

from __future__ import annotations

import copy
import itertools
import math

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="networks need torch")

from torch import nn  # noqa: E402

from nasbench_kit.training import build, skeleton_of  # noqa: E402
from nasbench_kit.training.proxies import PROXIES, proxies, timed_proxies  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402

F = nn.functional


def batch(n=12, shape=(1, 8, 8), classes=10, seed=0, dtype=None):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, *shape, generator=generator, dtype=torch.float64)
    return images.to(dtype or torch.float32), torch.randint(classes, (n,), generator=generator)


def small(*, norm=True, dtype=torch.float64):
    """Two convolutions and a classifier for images (2, 4, 4), three classes."""
    torch.manual_seed(3)
    layers = [
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Conv2d(3, 4, 1, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ]
    return nn.Sequential(*layers).to(dtype)


def loss_of(network, images, labels):
    return float(F.cross_entropy(copy.deepcopy(network).train()(images), labels).detach())


# ---------------------------------------------------------------- what all have in common


class WithAuxiliary(nn.Module):
    """Gives a pair while it is trained, and has dropout and a frozen weight."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.first, self.second = nn.Linear(20, 10), nn.Linear(20, 10)
        self.first.weight.requires_grad_(False)

    def forward(self, images):
        x = self.body(images)
        return (self.first(x), self.second(x)) if self.training else self.first(x)


@pytest.mark.parametrize("name", [*TRAINABLE, "auxiliary"])
def test_every_space_and_nothing_is_left_behind(name):
    if name == "auxiliary":
        network = WithAuxiliary()
    else:
        network = build(name, nk.space(name).sample(1, 5)[0], dataset="digits")
    images, labels = batch()
    network.eval()
    before = copy.deepcopy(network.state_dict())
    state = torch.get_rng_state()
    found = proxies(network, images, labels)
    assert list(found) == list(PROXIES)
    assert all(type(value) is float for value in found.values())
    undefined = {"naswot"} if name == "accel-nasbench" else set()  # its networks have no ReLU
    assert {proxy for proxy, value in found.items() if not math.isfinite(value)} == undefined, found
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in network.modules())
    assert not any("forward" in vars(module) for module in network.modules())
    # the same bits again, each alone, in another order, in training mode, within no_grad, from numpy
    network.train()
    with torch.no_grad():
        again = proxies(network, images.numpy(), labels.numpy(), list(PROXIES)[::-1])
    assert again == pytest.approx(found, rel=0, abs=0, nan_ok=True)
    assert proxies(network, images, labels, ["zen"]) == {"zen": found["zen"]}
    assert proxies(network, images, labels, ["zen"], seed=1) != {"zen": found["zen"]}
    if name != "auxiliary":
        space = nk.space(name)
        x = space.sample(1, 5)
        assert found["params"] == space.cost(x, "params", dataset="digits")[0]
        biases = 10 if name in ("nb201", "nats-size") else 0  # which count there, as in the published figures
        assert found["flops"] + biases == space.cost(x, "flops", dataset="digits")[0]


def test_params_and_flops_of_the_papers_own_skeletons():
    space = nk.space("nb201")
    x = [3, 1, 2, 0, 4, 3]
    images, labels = batch(2, skeleton_of(space, "cifar10").image)
    found = proxies(build(space, x), images, labels, ["params", "flops"])
    assert found["params"] == space.cost(x, "params", dataset="cifar10")[0]
    assert found["flops"] == space.cost(x, "flops", dataset="cifar10")[0] - 10  # published with the classifier's biases
    up = nn.ConvTranspose2d(2, 3, 2, stride=2, bias=False)  # every input value meets every weight of its channel
    assert proxies(nn.Sequential(up, nn.Flatten()), *batch(2, (2, 4, 4)), ["flops"])["flops"] == 2 * 16 * 3 * 4


def test_networks_without_what_a_proxy_looks_at():
    images, labels = batch()
    blind = proxies(build("nb201", [0] * 6, dataset="digits"), images, labels)
    assert math.isnan(blind["jacob_cov"])
    for name in ("synflow", "naswot", "zen"):
        assert blind[name] == -math.inf
    for name in ("snip", "grasp", "grad_norm"):
        assert blind[name] == 0
    flat = nn.Sequential(nn.AvgPool2d(2), nn.Flatten())  # no parameters, no ReLU
    bare = proxies(flat, images, labels)
    assert bare["snip"] == bare["grasp"] == bare["grad_norm"] == bare["fisher"] == bare["params"] == bare["flops"] == 0
    assert bare["synflow"] == -math.inf
    assert math.isnan(bare["naswot"])
    assert math.isnan(bare["jacob_cov"])  # all images have the same gradient
    twins = images.clone()
    twins[1] = twins[0]
    assert proxies(small_digits(), twins, labels, ["naswot"])["naswot"] == -math.inf


def small_digits():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 50), nn.ReLU(), nn.Linear(50, 10))


def test_mistakes_have_one_clear_error():
    images, labels = batch()
    network = small_digits()
    with pytest.raises(nk.UnknownName, match=r"unknown proxy 'synflo'; did you mean 'synflow'\?"):
        proxies(network, images, labels, ["synflo"])
    for x, y in ((images[:1], labels[:1]), (images[0], labels), (images, labels[:3])):
        with pytest.raises(ValueError, match="at least two images"):
            proxies(network, x, y)


def test_single_and_double_precision_agree():
    images, labels = batch(16)
    for space, x in (("nb201", [3, 1, 2, 3, 4, 2]), ("genetic-cnn", nk.space("genetic-cnn").sample(1, 0)[0])):
        network = build(space, x, dataset="digits", **({"dropout": 0.0} if space == "genetic-cnn" else {}))
        one, other = proxies(network, images, labels), proxies(network.double(), images, labels)
        for name in PROXIES:
            assert one[name] == pytest.approx(other[name], rel=2e-3), name


def test_seconds_are_measured():
    found = list(timed_proxies(small_digits(), *batch(), ["snip", "zen"]))
    assert [name for name, _, _ in found] == ["snip", "zen"]
    assert all(0 < seconds < 60 for _, _, seconds in found)


# ---------------------------------------------------------------- gradients


def test_grad_norm_is_that_of_autograd():
    network, (images, labels) = small(), batch(6, (2, 4, 4), 3, dtype=torch.float64)
    reference = copy.deepcopy(network).train()
    F.cross_entropy(reference(images), labels).backward()
    norms = [float(reference[i].weight.grad.norm()) for i in (0, 3, 7)]
    assert proxies(network, images, labels, ["grad_norm"])["grad_norm"] == pytest.approx(sum(norms), rel=1e-12)


@pytest.mark.parametrize("norm", [True, False])
def test_snip_by_finite_differences(norm):
    network, (images, labels) = small(norm=norm), batch(6, (2, 4, 4), 3, dtype=torch.float64)
    total, step = 0.0, 1e-6
    for i in (0, 3, 7):
        weight = network[i].weight.data
        for index in np.ndindex(*weight.shape):
            there = float(weight[index])
            weight[index] = there * (1 + step)  # theta dL/dtheta is the derivative by a factor on theta
            up = loss_of(network, images, labels)
            weight[index] = there * (1 - step)
            down = loss_of(network, images, labels)
            weight[index] = there
            total += abs(up - down) / (2 * step)
    assert proxies(network, images, labels, ["snip"])["snip"] == pytest.approx(total, rel=1e-6)


def test_grasp_by_finite_differences():
    """The Hessian times g is how the gradient changes along g."""
    network, (images, labels) = small(), batch(6, (2, 4, 4), 3, dtype=torch.float64)

    def gradients(by):
        moved = copy.deepcopy(network).train()
        weights = [moved[i].weight for i in (0, 3, 7)]
        with torch.no_grad():
            for weight, change in zip(weights, by, strict=True):
                weight += change
        return torch.autograd.grad(F.cross_entropy(moved(images), labels), weights)

    g = gradients([0, 0, 0])
    step = 1e-6
    up, down = gradients([step * x for x in g]), gradients([-step * x for x in g])
    expected = -sum(
        float((network[i].weight.detach() * (a - b) / (2 * step)).sum())
        for i, a, b in zip((0, 3, 7), up, down, strict=True)
    )
    assert proxies(network, images, labels, ["grasp"])["grasp"] == pytest.approx(expected, rel=1e-5)


def test_fisher_by_a_gate_on_every_channel():
    """The gradient by a factor 1 on an image's channel is its activation times gradient, summed over pixels."""
    network, (images, labels) = small(), batch(6, (2, 4, 4), 3, dtype=torch.float64)
    total = 0.0
    for i, channels in ((0, 3), (3, 4), (7, 3)):
        gate = torch.ones(len(images), channels, dtype=torch.float64, requires_grad=True)
        gated = copy.deepcopy(network).train()
        gated[i].register_forward_hook(
            lambda module, inputs, output, gate=gate: output * gate.reshape(gate.shape + (1,) * (output.dim() - 2))
        )
        (gradient,) = torch.autograd.grad(F.cross_entropy(gated(images), labels), gate)
        total += float(gradient.square().mean(dim=0).sum()) / 2
    assert proxies(network, images, labels, ["fisher"])["fisher"] == pytest.approx(total, rel=1e-10)


def test_a_layer_that_is_used_twice_counts_twice_in_fisher_and_once_in_snip():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Linear(16, 16, bias=False), nn.Linear(16, 3)

        def forward(self, x):
            return self.last(self.layer(torch.relu(self.layer(x.flatten(1)))))

    torch.manual_seed(0)
    network, (images, labels) = Twice().double(), batch(6, (1, 4, 4), 3, dtype=torch.float64)
    found = proxies(network, images, labels, ["snip", "fisher", "flops"])
    assert found["flops"] == 2 * 256 + 48
    reference = copy.deepcopy(network)
    first = reference.layer(images.flatten(1))
    second = reference.layer(torch.relu(first))
    outputs = [first, second, reference.last(second)]
    loss = F.cross_entropy(outputs[-1], labels)
    gradients = torch.autograd.grad(loss, outputs, retain_graph=True)
    fisher = sum(
        float((z * g).detach().square().mean(dim=0).sum()) / 2 for z, g in zip(outputs, gradients, strict=True)
    )
    weights = [reference.layer.weight, reference.last.weight]
    snip = sum(
        float((w * g).detach().abs().sum()) for w, g in zip(weights, torch.autograd.grad(loss, weights), strict=True)
    )
    assert found["fisher"] == pytest.approx(fisher, rel=1e-10)
    assert found["snip"] == pytest.approx(snip, rel=1e-10)


# ---------------------------------------------------------------- synflow


def test_synflow_of_a_linear_chain_by_hand():
    """All weights of a layer together pass on the whole flow 1' |W3| |W2| |W1| 1, so that a chain of three has three times that."""
    torch.manual_seed(0)
    sizes = (16, 5, 4, 3)
    layers = [nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(sizes)]
    chain = nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1], nn.ReLU6(), layers[2])
    flow = np.ones(16)
    for layer in layers:
        flow = np.abs(layer.weight.detach().double().numpy()) @ flow
    found = proxies(chain, *batch(2, (1, 4, 4), 3), ["synflow"])["synflow"]
    assert found == pytest.approx(math.log(3 * flow.sum()), rel=1e-12)


def test_synflow_grows_by_the_factor_of_a_weight_and_ignores_batch_norms_and_data():
    network, (images, labels) = small(), batch(6, (2, 4, 4), 3)
    network[0].bias.data.zero_()
    found = proxies(network, images, labels, ["synflow"])["synflow"]
    network[3].weight.data *= -1000
    assert proxies(network, images, labels, ["synflow"])["synflow"] == pytest.approx(found + math.log(1000))
    network[1].weight.data *= 7
    network[1].running_var *= 9
    other, _ = batch(9, (2, 4, 4), 3, seed=1)
    again = proxies(network, other, torch.zeros(9, dtype=torch.int64), ["synflow"])["synflow"]
    assert again == pytest.approx(found + math.log(1000))


def test_synflow_does_not_overflow_where_single_precision_does():
    deep = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1, bias=False) for _ in range(40)))
    for layer in deep:
        layer.weight.data.fill_(1.0)
    network = nn.Sequential(deep, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = proxies(network, *batch(2, (64, 1, 1), 64), ["synflow"])["synflow"]
    # of 1x1 pixels each convolution passes on 64 times the flow; 64 outputs, 40 layers
    assert found == pytest.approx(40 * math.log(64) + math.log(64) + math.log(40), rel=1e-9)


# ---------------------------------------------------------------- kernels


def test_naswot_by_a_kernel_by_hand():
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 3, bias=False), nn.ReLU())
    network[1].weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    images = torch.tensor([[1.0, 1.0], [1.0, -2.0], [-1.0, -1.0]]).reshape(3, 1, 1, 2)
    # codes 111, 100, 000: units minus Hamming distances
    kernel = [[3, 1, 0], [1, 3, 2], [0, 2, 3]]
    found = proxies(network, images, torch.zeros(3, dtype=torch.int64), ["naswot"])["naswot"]
    assert found == pytest.approx(math.log(np.linalg.det(kernel)))


def test_naswot_sees_functions_and_work_in_place():
    class Functions(nn.Module):
        def __init__(self, variant):
            super().__init__()
            self.a, self.b, self.variant = nn.Linear(64, 30), nn.Linear(30, 20), variant

        def forward(self, x):
            x = self.a(x.flatten(1))
            x = {"modules": nn.ReLU(), "functions": torch.relu, "in place": nn.ReLU(inplace=True)}[self.variant](x)
            return (nn.ReLU6() if self.variant == "modules" else F.relu6)(self.b(x))

    images, labels = batch(8)
    values = []
    for variant in ("modules", "functions", "in place"):
        torch.manual_seed(0)
        values.append(proxies(Functions(variant), images, labels, ["naswot"])["naswot"])
    assert len(set(values)) == 1
    torch.manual_seed(0)
    network = Functions("modules")
    a = network.a(images.flatten(1))
    codes = torch.cat([a > 0, network.b(torch.relu(a)) > 0], dim=1).numpy()
    kernel = [[50 - (x != y).sum() for y in codes] for x in codes]
    assert values[0] == pytest.approx(np.linalg.slogdet(kernel)[1], rel=1e-10)


def test_jacob_cov_by_explicit_jacobians():
    network, (images, labels) = small(norm=False), batch(5, (2, 4, 4), 3, dtype=torch.float64)
    rows = np.stack(
        [
            torch.autograd.functional.jacobian(lambda x: network(x[None])[0], image).sum(dim=0).flatten().numpy()
            for image in images
        ]
    )
    v = np.linalg.eigvals(np.corrcoef(rows)).real
    expected = -np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5))
    found = proxies(network, images, labels, ["jacob_cov"])["jacob_cov"]
    assert found == pytest.approx(expected, rel=1e-6)
    # uncorrelated rows are the most that there is: v = 1 in all
    assert found < -5


def test_kernels_do_not_depend_on_the_order_of_the_images():
    network, (images, labels) = build("nb201", [3, 1, 2, 3, 4, 2], dataset="digits").double(), batch(16)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    names = ["naswot", "jacob_cov", "grad_norm", "snip", "fisher"]
    one, other = proxies(network, images, labels, names), proxies(network, images[order], labels[order], names)
    for name in names:
        assert other[name] == pytest.approx(one[name], rel=1e-7), name


# ---------------------------------------------------------------- zen


def test_zen_of_a_linear_network_by_hand():
    """The feature map of one 1x1 convolution moves by 0.01 W e."""
    network = nn.Sequential(nn.Conv2d(2, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images, labels = batch(6, (2, 4, 4), 5)
    found = proxies(network, images, labels, ["zen"], seed=4)["zen"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        weight = torch.empty(5, 2, 1, 1, dtype=torch.float64).normal_()
        torch.randn(images.shape, dtype=torch.float64)
        e = torch.randn(images.shape, dtype=torch.float64)
    moved = 0.01 * torch.einsum("oc,nchw->nohw", weight[:, :, 0, 0], e).flatten(1).norm(dim=1).mean()
    assert found == pytest.approx(math.log(float(moved)), rel=1e-9)


def test_zen_puts_back_what_batch_norm_takes_away():
    """With one channel, dividing by its deviation and adding the deviation's logarithm leaves the score as it was."""

    def chain(norm):
        return nn.Sequential(
            nn.Conv2d(1, 1, 3, padding=1, bias=False),
            nn.BatchNorm2d(1, eps=1e-12) if norm else nn.Identity(),
            nn.Conv2d(1, 1, 3, padding=1, bias=False),
            nn.BatchNorm2d(1, eps=1e-12) if norm else nn.Identity(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    images, labels = batch(32)
    with_norm, without = (proxies(chain(norm), images, labels, ["zen"])["zen"] for norm in (True, False))
    # not exactly, for the moved images have a deviation of their own
    assert with_norm == pytest.approx(without, abs=0.02)


def test_zen_ignores_weights_and_images_but_not_size():
    images, labels = batch(6, (2, 4, 4), 3)
    network = small(dtype=torch.float32)
    found = proxies(network, images, labels, ["zen"])
    for parameter in network.parameters():
        parameter.data *= -3
    assert proxies(network, 5 * images, labels, ["zen"]) == found
    assert proxies(network, F.pad(images, (2, 2, 2, 2)), labels, ["zen"]) != found
