"""The spaces whose architectures can be trained; those that are tables alone are not tested here."""

from __future__ import annotations

import nasbench_kit as nk
from nasbench_kit.spaces import spec

TRAINED = tuple(name for name in nk.list_spaces() if spec(name).network is not None)
