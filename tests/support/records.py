"""A run record for the tests: completed, with two models, and whatever the test changes."""

from typing import Any

from actors.contract import ModelSpec
from tasks.records.run import Corpus, MediaCounts, Outputs, RunRecord, Validation


def model_spec(**changes: Any) -> ModelSpec:
    """An English model."""
    values: dict[str, Any] = {
        "source": "superb/wav2vec2-large-superb-er",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "weights_sha256": "ab" * 32,
        "family": "wav2vec2_stock",
        "kind": "categorical",
        "labels": ("neu", "hap", "ang", "sad"),
        "sampling_rate": 16_000,
        "preprocessing": "p0",
        "precision": "fp32",
        "licence": "apache-2.0",
    }
    return ModelSpec(**(values | changes))


def run_record(**changes: Any) -> RunRecord:
    """A completed run over 60 media, 52 of them scored."""
    values: dict[str, Any] = {
        "run_id": "20260101T000000-abcdef",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:09:20+00:00",
        "media_uri": "s3://media/shows",
        "results_uri": "s3://results",
        "code_version": "0.1.0",
        "lock_sha256": "cd" * 32,
        "fingerprint": "f0",
        "decision": "d0",
        "config": {"language": {"model": "base"}, "routes": {"en": "superb/wav2vec2-large-superb-er"}},
        "models": {"en": model_spec(), "ko": model_spec(source="models/korean", revision=None, licence=None)},
        "whisper": {"model": "base", "weights_sha256": "ef" * 32},
        "workers": {"readers": 2, "scorers": 1, "device": "cpu", "precision": {"en": "fp32"}},
        "media": MediaCounts(planned=60, scored=52, silent=4, quarantined=4, other={".txt": 3}),
        "segments": 1040,
        "audio_seconds": 6277.7,
        "seconds": 560.0,
        "realtime_factor": 11.2,
        "stages": {"fetch": 12.0, "decode": 40.5, "segment": 44.0, "language": 61.0, "score": 402.0, "validate": 6.0},
        "languages": {"en": 700, "ko": 340},
        "emotions": {"neutral": 300, "angry": 100},
        "validation": Validation(),
        "corpus": Corpus(),
        "outputs": Outputs(
            scores="s3://results/scores",
            report="s3://results/runs/r/report.html",
            quarantine="s3://results/quarantine",
            run="s3://results/runs/r/run.json",
        ),
    }
    return RunRecord(**(values | changes))
