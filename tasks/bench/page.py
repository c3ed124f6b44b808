"""The page of the benchmarks: the stored results of a folder, drawn; one HTML file that asks the network for nothing.

Owns which files are results, what they are called, and what is told of each. The look is the report's (tasks/report).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import TypeAdapter, ValidationError

from infra.errors import InputError
from tasks.bench import drawings
from tasks.bench.batch_findings import BatchesResult
from tasks.bench.findings import GrowthResult, NodesResult, PipelineResult, PlanningResult, RayDataResult
from tasks.bench.place import machine_name
from tasks.bench.result import BenchResult
from tasks.report.frame import environment, frame, moment
from tasks.report.words import Text

_Subject = PipelineResult | BatchesResult | RayDataResult | NodesResult | GrowthResult | PlanningResult
Result = BenchResult | _Subject

_SUBJECTS: TypeAdapter[_Subject] = TypeAdapter(_Subject)


@dataclass(frozen=True)
class Section:
    """What the page shows of one result: a table of figures, charts, and how to measure it again."""

    name: str
    title: Text
    figures: tuple[tuple[Text, str], ...]
    charts: tuple[Markup, ...]
    command: str
    machine: str
    made: str


def keep(result: Result, folder: Path) -> Path:
    """Write a result into a folder, named by subject and machine: an older one of the same name is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name_of(result)}.json"
    path.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def name_of(result: Result) -> str:
    """`pipeline-large-bf16-2-cores-amx`; the subject `pool` goes without its name."""
    words: list[str] = [] if isinstance(result, BenchResult) else [result.subject]
    if isinstance(result, BenchResult | PipelineResult | BatchesResult | RayDataResult):
        words += [result.options.preset, result.precision]
    elif isinstance(result, NodesResult):
        words.append(result.options.preset)
    return "-".join([*words, machine_name(result.machine)])


def write_page(folder: Path) -> Path:
    """Draw every result of a folder as `index.html` there.

    Raises:
        InputError: There is no result.
    """
    results = results_in(folder)
    if not results:
        raise InputError(f"no results of `seraph bench` in {folder}: measure with --into {folder} first")
    path = folder / "index.html"
    path.write_text(build_page(results), encoding="utf-8")
    return path


def results_in(folder: Path) -> dict[str, Result]:
    """The results among the JSON files of a folder, by name; what others keep there is passed over."""
    found = ((path.stem, _read(path)) for path in sorted(folder.glob("*.json")))
    return {name: result for name, result in found if result is not None}


def build_page(results: dict[str, Result]) -> str:
    """The page of these results."""
    source = files("tasks.bench").joinpath("page.html").read_text(encoding="utf-8")
    title = Text("Seraph benchmarks", "Seraph 벤치마크")
    order = (BenchResult, PipelineResult, BatchesResult, RayDataResult, NodesResult, GrowthResult, PlanningResult)
    sections = sorted(
        ((order.index(type(result)), section_of(name, result)) for name, result in results.items()),
        key=lambda each: (each[0], each[1].name),
    )
    shown = [section for _, section in sections]
    page = environment().from_string(source)
    return page.render(**frame(["report.css"], ["report.js"]), page_title=title, sections=shown)


def section_of(name: str, result: Result) -> Section:
    """What is shown of a result."""
    title, figures, charts = _SHOWN[type(result)](result)
    machine = result.machine
    what = (
        f"{machine.gpu or machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB, torch {machine.torch}, "
        f"load before {machine.load:g}"
    )
    command = "seraph bench" if isinstance(result, BenchResult) else result.command
    if isinstance(result, BenchResult) and result.options.preset != "base":
        command += f" --preset {result.options.preset}"
    return Section(name, title, tuple(figures), tuple(charts), command, what, moment(result.started))


_Shown = tuple[Text, Iterator[tuple[Text, str]], Sequence[Markup]]


def _pool(result: BenchResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        yield Text("from memory, over a plain loop", "메모리에서, 단순 반복 대비"), _times(result.ratio)
        yield Text("the whole road, over a plain loop", "전체 과정, 단순 반복 대비"), _times(result.ratio_road)
        yield Text("memory of all processes", "모든 프로세스의 메모리"), f"{result.peak_mb:,.0f} MB"

    model = f"wav2vec2 {result.options.preset}, {result.precision}"
    return Text(f"The pool: {model}", f"풀: {model}"), figures(), [drawings.speeds(result)]


def _pipeline(result: PipelineResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        over = result.ratio_pipeline
        yield Text("our model, over the pipeline", "우리 모델, 파이프라인 대비"), _times(over.model)
        yield Text("from memory to rows", "메모리에서 행까지"), _times(over.memory)
        yield Text("the whole road", "전체 과정"), _times(over.road)
        yield (
            Text("of the model's own speed, to rows", "모델 자체 속도 중, 행까지"),
            f"{result.ratio_fed['memory']:.1%}",
        )
        yield Text("greatest difference of a posterior", "사후 확률의 최대 차이"), f"{result.difference:.4f}"

    model = f"wav2vec2 {result.options.preset}, {result.precision}"
    title = Text(f"Against the transformers pipeline: {model}", f"transformers 파이프라인과 비교: {model}")
    return title, figures(), [drawings.speeds(result)]


def _batches(result: BatchesResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        yield Text("best, in seconds", "가장 좋은 길이(초)"), "–" if result.best is None else str(result.best)
        for each in result.budgets:
            speed = "out of memory" if each.realtime_factor is None else _times(each.realtime_factor)
            memory = "" if each.peak_mb is None else f", {each.peak_mb:,.0f} MB"
            yield Text(f"{each.batch_s} s in a batch", f"배치당 {each.batch_s}초"), speed + memory

    model = f"wav2vec2 {result.options.preset}, {result.precision}"
    title = Text(f"The size of batches: {model}", f"배치의 크기: {model}")
    return title, figures(), [drawings.speed_by_batch(result)] if len(result.budgets) > 1 else []


def _ray_data(result: RayDataResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        yield Text("with starting up", "시작 시간 포함"), _times(result.ratio)
        yield Text("once started", "시작한 뒤"), _times(result.ratio_started)

    model = f"wav2vec2 {result.options.preset}, {result.precision}"
    return Text(f"Against Ray Data: {model}", f"Ray Data와 비교: {model}"), figures(), [drawings.speeds(result)]


def _nodes(result: NodesResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        if result.worker == "sleep":
            yield (
                Text("workers sleep as long as the model takes; cores", "작업자는 모델 시간만큼 대기; 코어"),
                str(result.cores),
            )
        for nodes, efficiency in result.efficiency.items():
            yield Text(f"efficiency on {nodes} nodes", f"노드 {nodes}개의 효율"), f"{efficiency:.1%}"

    return Text("Several Ray nodes", "여러 Ray 노드"), figures(), [drawings.rate_by_nodes(result)]


def _growth(result: GrowthResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        yield Text("growth of the driver's memory", "드라이버 메모리 증가"), f"{result.growth_mb:+.0f} MB"
        yield Text("spread of the time for a segment", "구간당 시간의 차이"), f"{result.spread:.0%}"
        for each in result.sizes:
            shown = f"{each.peak_mb:.0f} MB, {each.ms_per_segment:.2f} ms"
            yield Text(f"{each.segments:,} segments", f"구간 {each.segments:,}개"), shown

    charts = [drawings.memory_by_size(result), drawings.time_by_size(result)] if len(result.sizes) > 1 else []
    title = Text("Growth, with workers that do nothing", "규모에 따른 변화(아무것도 하지 않는 작업자)")
    return title, figures(), charts


def _planning(result: PlanningResult) -> _Shown:
    def figures() -> Iterator[tuple[Text, str]]:
        yield Text("from the commits", "커밋에서"), f"{result.seconds['commits']:.1f} s"
        yield Text("from the index", "색인에서"), f"{result.seconds['index']:.1f} s"
        yield Text("memory at most", "최대 메모리"), f"{result.peak_mb:,.0f} MB"

    objects, done = f"{result.options.objects:,}", f"{result.options.done:,}"
    return Text(f"Planning: {objects} objects, {done} done", f"계획: 객체 {objects}개, 완료 {done}개"), figures(), []


_SHOWN: dict[type, Callable[[Any], _Shown]] = {
    BenchResult: _pool,
    PipelineResult: _pipeline,
    BatchesResult: _batches,
    RayDataResult: _ray_data,
    NodesResult: _nodes,
    GrowthResult: _growth,
    PlanningResult: _planning,
}


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×"


def _read(path: Path) -> Result | None:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        return None
    try:
        if "ratio_road" in document:
            return BenchResult.model_validate(document)
        return _SUBJECTS.validate_python(document) if "subject" in document else None
    except ValidationError as error:
        raise InputError(f"{path} is no result of this version of `seraph bench`: measure it again") from error
