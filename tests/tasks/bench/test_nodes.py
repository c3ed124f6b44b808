"""What the nodes are asked to do. How they scale is no test's business."""

import pytest

from tasks.bench.findings import NodesOptions
from tasks.bench.nodes import made_up, sleeps


@pytest.mark.parametrize(
    ("worker", "cores", "asleep"),
    [("auto", 2, True), ("auto", 4, False), ("model", 2, False), ("sleep", 64, True)],
)
def test_workers_sleep_where_the_cores_would_not_do_for_so_many_models(worker: str, cores: int, asleep: bool) -> None:
    assert sleeps(NodesOptions(nodes=(1, 2, 4), worker=worker), cores) is asleep  # type: ignore[arg-type]


def test_the_work_is_full_of_segments_without_gaps() -> None:
    work = made_up(3, 20.0)
    assert len(work) == 3
    for reading, signal, language in work:
        assert [span.duration_s for span in reading.spans] == [5.0] * 4
        assert reading.spans[-1].end_s * 16_000 == len(signal)
        assert language.language == "en"
