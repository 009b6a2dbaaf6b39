"""Networks whose parameters hold whatever was in memory, for tests that count or fill them: most of building one is drawing weights."""

from __future__ import annotations

import contextlib
from unittest import mock

import pytest

torch = pytest.importorskip("torch", reason="networks need torch")
nn = torch.nn

from nasbench_kit.training import build  # noqa: E402

DRAWN = (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._NormBase)


def unfilled(space, x, **options):
    """What `build` returns, without the initialisation."""
    with contextlib.ExitStack() as without:
        for kind in DRAWN:
            without.enter_context(mock.patch.object(kind, "reset_parameters"))
        return build(space, x, **options)
