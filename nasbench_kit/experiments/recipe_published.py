"""Reading what is published in a recipe: the figures of a search, and the facts of a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.experiments.facts import FACTS
from nasbench_kit.experiments.published_figure import PublishedFigure, Tolerance
from nasbench_kit.experiments.recipe import OF_FRONT, OF_METRIC, QUANTITIES, Fact, Report
from nasbench_kit.experiments.recipe_fields import Fields
from nasbench_kit.experiments.scale import SCALES

__all__ = ["FACT_KEYS", "REPORT_KEYS", "read_fact", "read_report"]

WITHIN: tuple[Literal["sd", "relative", "absolute"], ...] = ("sd", "relative", "absolute")
QUARTER = Tolerance("sd", 0.25)  # by default, where a standard deviation is published
ROUNDING = Tolerance("absolute", 0.0)  # by default for facts: what the published digits leave open

REPORT_KEYS = (
    *("label", "quantity", "metric", "dataset", "epochs", "scale"),
    *("within", "why", "published", "order", "rises"),
)
_OF_FACT = ("threshold", "optimum", "ideal", "nadir", "reference")
FACT_KEYS = ("label", "quantity", "metric", "dataset", "epochs", *_OF_FACT, "published", "within", "why")


def read_report(fields: Fields, algorithms: tuple[str, ...], objectives: int, trains: bool) -> Report:
    """What is published of a search."""
    quantity = fields.choice("quantity", QUANTITIES, "value")
    of_metric = quantity in OF_METRIC
    if of_metric and objectives > 1:
        raise fields.fault(
            "quantity", f"{quantity!r} is of a search for one objective; available: {', '.join(OF_FRONT)}"
        )
    if quantity in OF_FRONT and objectives == 1:
        raise fields.fault("quantity", f"{quantity!r} is of a search for several objectives")
    if trains and quantity in ("rank", "regret", "igd", "simulated_seconds"):
        raise fields.fault("quantity", f"{quantity!r} needs a table, and this recipe trains")
    for key, applies in {
        "metric": of_metric,
        "dataset": of_metric and not trains,
        "epochs": of_metric and not trains,
        "scale": quantity in OF_FRONT,
    }.items():
        if fields.has(key) and not applies:
            raise fields.fault(key, f"does not apply to the quantity {quantity!r}{' of trainings' * trains}")
    order: tuple[str, ...] = ()
    published: dict[str, PublishedFigure] = {}
    within = QUARTER
    rises = fields.boolean("rises", default=False)
    if rises and quantity != "population":
        raise fields.fault("rises", "applies to the quantity 'population'")
    if rises or fields.has("order"):
        for key in ("published", "within", "order")[: 3 if rises else 2]:
            if fields.has(key):
                raise fields.fault(key, f"does not go with {'rises' if rises else 'an order'}")
        order = () if rises else _order(fields, algorithms)
    else:
        cells = fields.table("published", algorithms)
        published = {name: _figure(cells, name) for name in cells.names()}
        if not published:
            raise fields.fault("published", "has no figures")
        without = [name for name, figure in published.items() if not figure.sd]
        within = _within(fields, None if without else QUARTER)
        if within.unit == "sd" and without:
            raise fields.fault("within", f"is in standard deviations, but {without[0]!r} has no published sd")
    return Report(
        where=fields.where,
        label=fields.text("label"),
        quantity=quantity,
        metric=fields.text("metric") if of_metric else None,
        dataset=fields.optional_text("dataset"),
        epochs=fields.optional_whole("epochs", 1),
        published=published,
        within=within,
        order=order,
        rises=rises,
        scale=fields.choice("scale", tuple(SCALES), "front"),
        why=fields.optional_text("why") or "",
    )


def _order(fields: Fields, algorithms: tuple[str, ...]) -> tuple[str, ...]:
    """Different algorithms, the best first."""
    order = fields.texts("order")
    for name in order:
        if name not in algorithms:
            raise SourceError(f"{fields.path}: {fields.place('order')}: {UnknownName('algorithm', name, algorithms)}")
    if len(set(order)) < max(len(order), 2):
        raise fields.fault("order", "must name at least two different algorithms, the best first")
    return order


def read_fact(fields: Fields) -> Fact:
    """A published fact about the table itself."""
    quantity = fields.choice("quantity", tuple(FACTS))
    kind = FACTS[quantity]
    for key in _OF_FACT:
        if fields.has(key) and key not in (*kind.needs, *kind.takes):
            raise fields.fault(key, f"does not apply to the quantity {quantity!r}")
        if key in kind.needs:
            fields.value(key)
    settings: dict[str, Any] = {}
    if fields.has("threshold"):
        settings["threshold"] = fields.number("threshold")
    if fields.has("optimum"):
        settings["optimum"] = fields.text("optimum")
    metrics = fields.texts("metric")
    for key in ("ideal", "nadir"):
        if fields.has(key):
            settings[key] = fields.numbers(key)
            if len(settings[key]) != len(metrics):
                raise fields.fault(key, f"must have one number per metric, {len(metrics)}, not {len(settings[key])}")
    if fields.has("reference"):
        settings["reference"] = fields.number("reference", 0)
    if (len(metrics) > 1) != kind.many:
        raise fields.fault("metric", f"must be {'a list of metrics' if kind.many else 'one metric'} for {quantity!r}")
    published: PublishedFigure | str = fields.text("published") if kind.text else _figure(fields, "published")
    within = _within(fields, ROUNDING)
    if within.unit == "sd":
        raise fields.fault("within", "cannot be in standard deviations: a fact has none")
    return Fact(
        where=fields.where,
        label=fields.text("label"),
        quantity=quantity,
        metrics=metrics,
        dataset=fields.optional_text("dataset"),
        epochs=fields.optional_whole("epochs", 1),
        settings=settings,
        published=published,
        within=within,
        why=fields.optional_text("why") or "",
    )


def _figure(fields: Fields, key: str) -> PublishedFigure:
    """A published figure: a number, or a table with ``mean`` and, if it is published, ``sd``."""
    if not isinstance(fields.value(key), dict):
        number = fields.decimal(key)
        return PublishedFigure(float(number), None, _decimals(number))
    cell = fields.table(key, ("mean", "sd"))
    number = cell.decimal("mean")
    return PublishedFigure(float(number), cell.number("sd", 0) if cell.has("sd") else None, _decimals(number))


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _within(fields: Fields, default: Tolerance | None) -> Tolerance:
    """The tolerance: ``{sd = 0.25}``, ``{relative = 0.05}`` or ``{absolute = 20}``."""
    if not fields.has("within"):
        if default is None:
            message = "is missing: without a published sd, say {relative = 0.05} or {absolute = 20}, for example"
            raise fields.fault("within", message)
        return default
    given = fields.table("within", WITHIN)
    if len(given.names()) != 1:
        raise fields.fault("within", f"must have one of the keys {', '.join(WITHIN)}")
    [unit] = (name for name in WITHIN if given.has(name))
    return Tolerance(unit, given.number(unit, 0))
