"""What a candidate read, as facts beside what it is: how many texts, from where, and how right they are alone."""

from tasks.evaluation.result_model import ModelResult
from tasks.evaluation.result_text import TextRead
from tasks.report.evaluation.figures import figure, listed
from tasks.report.words import Text, has_words, named, number, shortened, visible, words

_MAX_PROBLEM = 300


def text_facts(model: ModelResult) -> list[tuple[Text, str | Text]]:
    """Facts about what was read; none where the candidate was not asked to read."""
    text = model.text
    if text is None:
        return []
    readers = [_plain(each.source) for each in model.parts if each.modality == "text"]
    facts: list[tuple[str, str | Text | None]] = [
        ("ev_text_read", _read(text)),
        ("ev_text_missing", listed([_counted(reason, n) for reason, n in text.missing.items()])),
        ("ev_text_models", listed(readers)),
        ("ev_text_say", None if text.has_say else words("ev_text_no_say")),
        ("ev_text_alone", None if text.accuracy is None else figure(text.accuracy)),
        ("ev_text_audio_alone", None if text.accuracy_audio is None else figure(text.accuracy_audio)),
        ("ev_text_problem", _plain(text.problem) if text.problem else None),
        ("ev_text_details", listed([_plain(f"{why}: {n}") for why, n in text.details.items()])),
    ]
    return [(words(key), value) for key, value in facts if value and (isinstance(value, str) or value.en)]


def kind_name(model: ModelResult) -> Text:
    """What kind of candidate it is."""
    reads_only = model.kind == "model" and model.parts and all(each.modality == "text" for each in model.parts)
    return words("ev_kind_reader" if reads_only else f"ev_kind_{model.kind}")


def _read(text: TextRead) -> Text:
    where = [named("text_source", name).joined(Text(number(n), number(n)), ": ") for name, n in text.sources.items()]
    total = Text(number(text.n), number(text.n))
    return total.joined(listed(where), " · ") if where else total


def _counted(reason: str, n: int) -> Text:
    name = words(f"ev_text_{reason}") if has_words(f"ev_text_{reason}") else _plain(reason)
    return name.joined(Text(number(n), number(n)), ": ")


def _plain(text: str) -> Text:
    short = shortened(visible(text), _MAX_PROBLEM)
    return Text(short, short)
