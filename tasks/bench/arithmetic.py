"""How the benchmarks' figures follow from seconds and bytes, and what a result says of its making. Measures nothing."""

from collections.abc import Sequence
from importlib.metadata import version

from actors.options import Options
from tasks.bench.findings import Scale, Size, Subject, Variant

_LIBRARIES = ("torch", "transformers", "ray", "numpy", "pyarrow", "pandas", "great-expectations")

ALIKE = 0.2
"""By how much the time for a segment may differ between sizes and still be called flat (a share of the least)."""

ROOM_MB = 200.0
"""By how much the driver's memory may grow over that of the smallest run (10⁶ bytes)."""


def versions() -> dict[str, str]:
    """The libraries that a figure may depend on."""
    return {name: version(name) for name in _LIBRARIES}


def command_of(subject: Subject, options: Options) -> str:
    """The command that measures the same: what is not its default."""
    words = ["seraph bench", subject]
    for name in type(options).model_fields:
        value = getattr(options, name)
        if value == type(options).model_fields[name].default:
            continue
        values = value if isinstance(value, tuple) else (value,)
        shown = (f"{each:g}" if isinstance(each, float) else str(each) for each in values)
        words += [f"--{name.replace('_', '-')}", ",".join(shown)]
    return " ".join(words)


def best_of(variants: Sequence[Variant], dtypes: Sequence[str] | None = None) -> Variant:
    """The fastest, of all or of these precisions."""
    return min((each for each in variants if dtypes is None or each.dtype in dtypes), key=lambda each: each.best)


def efficiency_of(scales: Sequence[Scale]) -> dict[int, float]:
    """Segments a second and node, over those of the first."""
    per_node = {each.nodes: each.segments_per_s / each.nodes for each in scales}
    first = per_node[scales[0].nodes]
    return {nodes: rate / first for nodes, rate in per_node.items()}


def growth_of(sizes: Sequence[Size]) -> dict[str, float | bool | None]:
    """`growth_mb`, `spread` and `flat` (see `GrowthResult`)."""
    ordered = sorted(sizes, key=lambda size: size.segments)
    times = [size.ms_per_segment for size in ordered]
    growth_mb = max(size.peak_mb for size in ordered) - ordered[0].peak_mb
    spread = max(times) / min(times) - 1
    flat = None if len(sizes) < 2 else growth_mb <= ROOM_MB and spread <= ALIKE
    return {"growth_mb": growth_mb, "spread": spread, "flat": flat}
