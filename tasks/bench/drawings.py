"""The charts of the benchmarks' page, drawn in the report's own chart room. Figures come from results as they are."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
from markupsafe import Markup

from tasks.bench.batch_findings import BatchesResult
from tasks.bench.findings import GrowthResult, NodesResult, PipelineResult, RayDataResult
from tasks.bench.result import BenchResult
from tasks.report.charts import in_both_languages
from tasks.report.palette import LANGUAGES as COLOURS
from tasks.report.words import Text

_WIDTH, _HEIGHT, _STEP = 420, 170, 26
_THEIRS, _OURS = COLOURS[1], COLOURS[0]

SPEED = Text("seconds of speech heard in a second", "1초에 처리한 음성(초)")
SIDES = {
    "loop": Text("plain loop", "단순 반복"),
    "pipeline_one": Text("pipeline, one at a time", "파이프라인, 하나씩"),
    "pipeline": Text("pipeline, best batches", "파이프라인, 가장 빠른 배치"),
    "ray_data": Text("Ray Data, best batches", "Ray Data, 가장 빠른 배치"),
    "fed": Text("our model, fed", "우리 모델, 배치 입력"),
    "pool": Text("the pool", "풀"),
    "memory": Text("from memory to rows", "메모리에서 행까지"),
    "road": Text("the whole road", "전체 과정"),
}
_OTHERS = {"loop", "pipeline_one", "pipeline", "ray_data"}


def speeds(result: BenchResult | PipelineResult | RayDataResult) -> Markup:
    """Each side's speed: theirs in one colour, ours in another."""
    found = speeds_of(result)

    def draw(reader: str) -> alt.Chart:
        rows = [
            {"side": SIDES[side].in_language(reader), "speed": speed, "theirs": side in _OTHERS}
            for side, speed in found.items()
        ]
        colour = alt.Scale(domain=[True, False], range=[_THEIRS, _OURS])
        chart: alt.Chart = _chart(rows, _STEP * len(rows)).mark_bar(size=16).encode(
            x=alt.X("speed:Q", title=SPEED.in_language(reader), axis=alt.Axis(tickCount=5)),
            y=alt.Y("side:N", title=None, sort=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=190)),
            color=alt.Color("theirs:N", scale=colour, legend=None),
        )  # fmt: skip
        return chart

    return in_both_languages(Text("Speed of each side", "각 방식의 속도"), draw)


def speeds_of(result: BenchResult | PipelineResult | RayDataResult) -> dict[str, float]:
    """Seconds of speech in a second by side, in the order in which they are drawn."""
    if isinstance(result, RayDataResult):
        theirs = min(each.best for each in result.variants)
        return {"ray_data": result.audio_seconds / theirs, "pool": result.audio_seconds / min(result.pool_s)}
    known = result.realtime_factor
    return {side: known[side] for side in SIDES if side in known}


def memory_by_size(result: GrowthResult) -> Markup:
    """The driver's peak memory over the size of the corpus."""
    rows = [{"segments": each.segments, "value": each.peak_mb} for each in result.sizes]
    title = Text("driver's memory at most, MB", "드라이버의 최대 메모리(MB)")
    return _line(rows, Text("segments", "구간 수"), title, logarithmic=True)


def time_by_size(result: GrowthResult) -> Markup:
    """Time for a segment over the size of the corpus."""
    rows = [{"segments": each.segments, "value": each.ms_per_segment} for each in result.sizes]
    return _line(rows, Text("segments", "구간 수"), Text("ms for a segment", "구간당 시간(ms)"), logarithmic=True)


def speed_by_batch(result: BatchesResult) -> Markup:
    """Seconds of speech heard in a second over the seconds in a batch."""
    known = [(each.batch_s, each.realtime_factor) for each in result.budgets if each.realtime_factor is not None]
    rows = [{"segments": size, "value": speed} for size, speed in known]
    return _line(rows, Text("seconds in a batch", "배치의 길이(초)"), SPEED, logarithmic=True)


def rate_by_nodes(result: NodesResult) -> Markup:
    """Segments a second over the number of nodes."""
    rows = [{"segments": each.nodes, "value": each.segments_per_s} for each in result.scales]
    return _line(rows, Text("nodes", "노드 수"), Text("segments a second", "초당 구간 수"), logarithmic=False)


def _line(rows: Sequence[dict[str, Any]], across: Text, up: Text, *, logarithmic: bool) -> Markup:
    """Points joined by a line, from zero up."""
    values = [row["segments"] for row in rows]
    scale = alt.Scale(type="log", nice=False) if logarithmic else alt.Scale(zero=True)

    def draw(reader: str) -> alt.Chart:
        axis = alt.Axis(values=values, format="~s" if logarithmic else "d", grid=False)
        chart: alt.Chart = _chart(rows, _HEIGHT).mark_line(point={"size": 60, "filled": True}, color=_OURS).encode(
            x=alt.X("segments:Q", title=across.in_language(reader), scale=scale, axis=axis),
            y=alt.Y("value:Q", title=up.in_language(reader), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5)),
        )  # fmt: skip
        return chart

    return in_both_languages(Text(f"{up.en} by {across.en}", f"{across.ko}에 따른 {up.ko}"), draw)


def _chart(rows: Sequence[dict[str, Any]], height: int) -> Any:
    return alt.Chart(pd.DataFrame(rows), width=_WIDTH, height=height)
