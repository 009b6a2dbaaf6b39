"""Record what a network computes, as a list of steps, so that steps of many networks can be executed together.

The network is applied to two images, and each function of PyTorch that it calls is noted. A network that calls other
functions than those known here cannot be stacked, and has to be trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["NotStackable", "Recording", "Step", "record"]


# steps that become one: of which kinds, and the kind of the whole
JOINED = {
    ("add", "add"): "add",
    ("norm", "relu"): "norm+relu",
    ("conv", "norm"): "conv+norm",
    ("conv", "norm+relu"): "conv+norm+relu",
}


class NotStackable(ValueError):
    """The network does something that a stack does not support."""


@dataclass(frozen=True)
class Step:
    """One operation of a network.

    Attributes
    ----------
    kind : str
    inputs : tuple of int
        The earlier steps whose outputs it reads.
    settings : tuple
        Its constants, such as a stride; hashable.
    tensors : tuple of (str or None)
        Names of its parameters and buffers in the network.
    shape : tuple of int
        Shape of its output, without the images.
    """

    kind: str
    inputs: tuple[int, ...]
    settings: tuple[Any, ...]
    tensors: tuple[str | None, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Recording:
    """The steps of a network that affect its logits, in the order of execution; step 0 is the images, the last one the logits."""

    steps: tuple[Step, ...]


def record(network: nn.Module, image: tuple[int, int, int]) -> Recording:
    """Record the steps of a network; raises NotStackable."""
    if not all(parameter.requires_grad for parameter in network.parameters()):
        raise NotStackable("some of its parameters are frozen")
    was_training = network.training
    kept = {name: value.clone() for name, value in network.named_buffers()}
    try:
        steps, evaluated = (_steps(network.train(training), image) for training in (True, False))
    finally:
        network.train(was_training)
        with torch.no_grad():
            for name, value in network.named_buffers():
                value.copy_(kept[name])
    if steps != evaluated:
        raise NotStackable("it does something else in training than in evaluation")
    names = [name for step in steps for name in step.tensors if name is not None]
    if len(set(names)) < len(names):
        raise NotStackable("it uses some of its parameters more than once")
    return Recording(steps)


def _steps(network: nn.Module, image: tuple[int, int, int]) -> tuple[Step, ...]:
    names = {id(value): name for name, value in [*network.named_parameters(), *network.named_buffers()]}
    recorder = _Recorder(names, torch.zeros(2, *image, dtype=next(network.parameters()).dtype))
    try:
        with recorder, torch.no_grad():
            output = network(recorder.images)
    except RuntimeError as error:
        raise NotStackable(f"it cannot be applied to images of shape {image}: {str(error).splitlines()[0]}") from error
    if not isinstance(output, Tensor) or id(output) not in recorder.known:
        raise NotStackable("its output is not one tensor of logits")
    return _live(recorder.steps, recorder.known[id(output)])


def _live(steps: Sequence[Step], last: int) -> tuple[Step, ...]:
    """Keep the steps that the last one depends on; join chains of sums, and convolution, batch norm and ReLU."""
    needed, readers = {last}, dict.fromkeys(range(len(steps)), 0)
    for i in range(last, -1, -1):
        if i in needed:
            needed.update(steps[i].inputs)
            for j in steps[i].inputs:
                readers[j] += 1
    joined = {  # steps that are read once, by one that does their work as well
        j for i in needed for j in steps[i].inputs if readers[j] == 1 and (steps[j].kind, steps[i].kind) in JOINED
    }
    number: dict[int, int] = {}
    found: list[Step] = []
    for i in sorted(needed - joined):
        step = steps[i]
        if step.kind == "add":
            step = replace(step, inputs=tuple(_terms(steps, i, joined)))
        while step.kind != "add" and step.inputs and step.inputs[0] in joined:
            before = steps[step.inputs[0]]
            joint = JOINED[before.kind, step.kind]
            step = Step(
                joint, before.inputs, (*before.settings, *step.settings), (*before.tensors, *step.tensors), step.shape
            )
        number[i] = len(found)
        found.append(replace(step, inputs=tuple(number[j] for j in step.inputs)))
    return (*found, Step("output", (len(found) - 1,), (), (), found[-1].shape))


def _terms(steps: Sequence[Step], i: int, joined: set[int]) -> list[int]:
    return [term for j in steps[i].inputs for term in (_terms(steps, j, joined) if j in joined else [j])]


class _Recorder(TorchFunctionMode):
    """Notes the functions called on tensors that derive from the images."""

    def __init__(self, names: dict[int, str], images: Tensor) -> None:
        super().__init__()
        self.names, self.images = names, images
        self.steps = [Step("images", (), (), (), tuple(images.shape[1:]))]
        self.known = {id(images): 0}
        self.alive = [images]  # so that no other tensor is given the same id
        self.same: dict[Any, int] = {}

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if not isinstance(result, Tensor) or id(result) in self.names:
            return result  # a shape, or the count of batches of a batch norm
        reads = [a for a in _flat([*args, *kwargs.values()]) if isinstance(a, Tensor) and id(a) in self.known]
        handler = HANDLERS.get(function)
        name = getattr(function, "__name__", str(function))
        if handler is None:
            if reads:
                raise NotStackable(f"it calls {name}")
            return result
        made = handler(self, result, *args, **kwargs)
        if id(result) in self.known:
            if made != self.known[id(result)]:
                raise NotStackable(f"it calls {name} in place")
            return result
        self.known[id(result)] = made if isinstance(made, int) else self.add(made, result)
        self.alive.append(result)
        return result

    def add(self, step: tuple[Any, ...], result: Tensor) -> int:
        """Append a step (kind, inputs, settings, tensors), or find the same one, computed before."""
        kind, inputs, settings, tensors = step
        found = Step(kind, tuple(inputs), tuple(settings), tuple(tensors), tuple(result.shape[1:]))
        if found not in self.same:
            self.same[found] = len(self.steps)
            self.steps.append(found)
        return self.same[found]

    def of(self, tensor: Any) -> int:
        """Return the step that computed a tensor."""
        if not isinstance(tensor, Tensor) or id(tensor) not in self.known:
            raise NotStackable("it combines the images with a constant")
        return self.known[id(tensor)]

    def named(self, tensor: Tensor | None) -> str | None:
        if tensor is None:
            return None
        if id(tensor) not in self.names:
            raise NotStackable("it has weights that are not parameters")
        return self.names[id(tensor)]


def _flat(values: Any) -> list[Any]:
    return [v for value in values for v in (_flat(value) if isinstance(value, (list, tuple)) else [value])]


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


Made = tuple[str, tuple[int, ...], tuple[Any, ...], tuple[str | None, ...]] | int


def _conv(
    r: _Recorder,
    _y: Tensor,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Made:
    if isinstance(padding, str):
        raise NotStackable(f"it has a convolution with the padding {padding!r}")
    settings = (tuple(weight.shape), _pair(stride), _pair(padding), _pair(dilation), groups)
    return "conv", (r.of(x),), (settings,), (r.named(weight), r.named(bias))


def _norm(
    r: _Recorder,
    _y: Tensor,
    x: Any,
    mean: Any,
    variance: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Made:
    if any(value is None for value in (mean, variance, weight, bias, momentum)):
        raise NotStackable("it has a batch norm without weights, running statistics or momentum")
    tensors = (r.named(weight), r.named(bias), r.named(mean), r.named(variance))
    return "norm", (r.of(x),), ((momentum, eps),), tensors


def _linear(r: _Recorder, _y: Tensor, x: Any, weight: Any, bias: Any = None) -> Made:
    if x.ndim != 2:
        raise NotStackable("it applies a linear layer to more than a vector per image")
    return "linear", (r.of(x),), (tuple(weight.shape),), (r.named(weight), r.named(bias))


def _activation(name: str) -> Callable[..., Made]:
    def handler(r: _Recorder, _y: Tensor, x: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Made:
        if inplace:
            raise NotStackable(f"it applies {name} in place")
        if args or (kwargs and (kwargs.get("min_val"), kwargs.get("max_val")) != (0.0, 6.0)):
            raise NotStackable(f"it calls {name} with other arguments than those of ReLU6")
        return name, (r.of(x),), (), ()

    return handler


def _pool(name: str) -> Callable[..., Made]:
    def handler(
        r: _Recorder, _y: Tensor, x: Any, kernel: Any, stride: Any = None, padding: Any = 0, *args: Any, **kwargs: Any
    ) -> Made:
        names = (
            ("dilation", "ceil_mode") if name == "max_pool" else ("ceil_mode", "count_include_pad", "divisor_override")
        )
        more = {**dict(zip(names, args, strict=False)), **kwargs}
        if more.get("return_indices") or more.get("divisor_override") or _pair(more.get("dilation", 1)) != (1, 1):
            raise NotStackable(f"it calls {name} with unusual arguments")
        settings: tuple[Any, ...] = (
            _pair(kernel),
            _pair(stride or kernel),
            _pair(padding),
            bool(more.get("ceil_mode", False)),
        )
        if name == "avg_pool":
            settings = (*settings, bool(more.get("count_include_pad", True)))
        return name, (r.of(x),), settings, ()

    return handler


def _global_pool(r: _Recorder, y: Tensor, x: Any, *_args: Any, **_kwargs: Any) -> Made:
    if y.shape[2:] != (1, 1):
        raise NotStackable("it pools adaptively to more than one pixel")
    return "mean", (r.of(x),), (), ()


def _mean(r: _Recorder, y: Tensor, x: Any, dim: Any = None, keepdim: bool = False, **_kwargs: Any) -> Made:
    if x.ndim != 4 or dim is None or sorted(d % 4 for d in _flat([dim])) != [2, 3]:
        raise NotStackable("it takes a mean over more or less than the pixels")
    return "mean", (r.of(x),), (), ()


def _flatten(r: _Recorder, y: Tensor, x: Any, *_args: Any, **_kwargs: Any) -> Made:
    if y.shape[0] != x.shape[0] or y.ndim != 2:
        raise NotStackable("it flattens other than to a vector per image")
    return "flatten", (r.of(x),), (), ()


def _cat(r: _Recorder, _y: Tensor, tensors: Any, dim: int = 0) -> Made:
    if dim != 1:
        raise NotStackable(f"it concatenates along dimension {dim}")
    return "cat", tuple(r.of(x) for x in tensors), (), ()


def _add(r: _Recorder, _y: Tensor, x: Any, other: Any, alpha: float = 1) -> Made:
    if not isinstance(other, Tensor) and other == 0:
        return r.of(x)
    if alpha != 1 or not isinstance(other, Tensor) or x.shape != other.shape:
        raise NotStackable("it adds other than two tensors of the same shape")
    return _sum_of(r, [r.of(x), r.of(other)])


def _sum_of(r: _Recorder, steps: Sequence[int]) -> Made:
    terms = [term for term in steps if r.steps[term].kind != "zeros"]
    if not terms:
        return steps[0]
    return ("add", tuple(terms), (), ()) if len(terms) > 1 else terms[0]


def _stack(r: _Recorder, y: Tensor, tensors: Any, dim: int = 0) -> Made:
    if dim != 0:
        raise NotStackable(f"it stacks along dimension {dim}")
    return "pile", tuple(r.of(x) for x in tensors), (), ()


def _sum(r: _Recorder, _y: Tensor, x: Any, dim: Any = None, **kwargs: Any) -> Made:
    step = r.steps[r.of(x)]
    if step.kind != "pile" or dim not in (0, (0,), [0]) or kwargs:
        raise NotStackable("it sums other than a stack of tensors")
    return _sum_of(r, step.inputs)


def _mul(r: _Recorder, y: Tensor, x: Any, other: Any) -> Made:
    if x.shape != y.shape or not isinstance(other, Tensor) or other.ndim != x.ndim:
        raise NotStackable("it multiplies other than tensors of the same rank")
    return "mul", (r.of(x), r.of(other)), (), ()


def _item(r: _Recorder, _y: Tensor, x: Any, index: Any) -> Made:
    index = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(i, slice) and i.step in (None, 1) for i in index) or (index[0].start, index[0].stop) != (
        None,
        None,
    ):
        raise NotStackable("it indexes other than by slices of channels and pixels")
    return "slice", (r.of(x),), tuple((i.start, i.stop) for i in index[1:]), ()


def _pad(r: _Recorder, _y: Tensor, x: Any, pad: Any, mode: str = "constant", value: Any = None) -> Made:
    if mode != "constant" or value or len(pad) != 4:
        raise NotStackable("it pads other than the pixels by zeros")
    return "pad", (r.of(x),), tuple(pad), ()


def _zeros(_r: _Recorder, _y: Tensor, *_args: Any, **_kwargs: Any) -> Made:
    return "zeros", (), (), ()


def _dropout(r: _Recorder, _y: Tensor, x: Any, p: float = 0.5, *_args: Any, **_kwargs: Any) -> Made:
    if p:
        raise NotStackable("it has dropout")
    return r.of(x)


HANDLERS: dict[Any, Callable[..., Made]] = {
    torch.conv2d: _conv,
    F.batch_norm: _norm,
    F.linear: _linear,
    F.relu: _activation("relu"),
    torch.relu: _activation("relu"),
    Tensor.relu: _activation("relu"),
    F.hardtanh: _activation("relu6"),
    F.silu: _activation("silu"),
    torch.sigmoid: _activation("sigmoid"),
    F.max_pool2d: _pool("max_pool"),
    F.avg_pool2d: _pool("avg_pool"),
    F.adaptive_avg_pool2d: _global_pool,
    Tensor.mean: _mean,
    torch.mean: _mean,
    Tensor.flatten: _flatten,
    torch.flatten: _flatten,
    torch.cat: _cat,
    torch.stack: _stack,
    Tensor.sum: _sum,
    Tensor.add: _add,
    torch.add: _add,
    Tensor.mul: _mul,
    torch.mul: _mul,
    Tensor.__getitem__: _item,
    F.pad: _pad,
    torch.zeros_like: _zeros,
    Tensor.new_zeros: _zeros,
    F.dropout: _dropout,
}
