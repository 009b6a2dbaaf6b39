"""Proxies of NAS-Bench-201's own networks against published ones. Skipped where the data is absent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.metrics.rank_correlation import rank_agreement

# a little below what 14 networks and 8 made-up images give; the published ones are of 64 images of CIFAR-10 and other weights
SPEARMAN = {"synflow": 0.99, "snip": 0.95, "grad_norm": 0.93, "jacob_cov": 0.85, "naswot": 0.85}
PUBLISHED = {"jacob_cov": "jacov", "naswot": "nwot"}


def test_published_proxies_of_nb201_on_cifar10(published):
    path = published / "nb201" / "zero_cost_proxies_cifar10.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    torch = pytest.importorskip(
        "torch", reason="networks need torch"
    )  # here, for its import takes longer than most tests
    from nasbench_kit.training import build
    from nasbench_kit.training.proxies import proxies
    from nasbench_kit.training.proxies.measuring import made_up_images

    table = pd.read_csv(path).query("synflow > 0")  # without those whose output does not depend on the images
    drawn = table.iloc[np.random.default_rng(0).choice(len(table), 14, replace=False)]
    space, rng = nk.space("nb201"), np.random.default_rng(0)
    images, labels = made_up_images(8, (3, 32, 32), rng), rng.integers(10, size=8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    names = [*SPEARMAN, "params"]
    found = pd.DataFrame([proxies(build(space, x), images, labels, names) for x in space.encode(drawn["net_str"])])
    torch.set_num_threads(threads)
    assert (found["params"].to_numpy() == np.round(drawn["params"] * 1e6)).all()
    np.testing.assert_allclose(
        found["synflow"], drawn["synflow"], atol=0.5
    )  # logarithms, from 30 to 130 over the space
    for name, least in SPEARMAN.items():
        rho, _ = rank_agreement(found[name], drawn[PUBLISHED.get(name, name)])
        assert rho > least, name
