"""The spaces whose architectures can be trained."""

import nasbench_kit as nk
from nasbench_kit.spaces.registry import spec

TRAINABLE = tuple(name for name in nk.list_spaces() if spec(name).network is not None)
