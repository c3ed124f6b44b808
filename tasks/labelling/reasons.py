"""Why a segment was picked, as it is stored with it: a word for programs, a sentence for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from actors.contract import TAXONOMY
from tasks.numerics.queue import Pick, Reason
from tasks.report.words import Text, words


class Said(NamedTuple):
    """What a configuration says of a segment: the index of the emotion, and its probability."""

    configuration: str
    emotion: int
    probability: float


@dataclass(frozen=True)
class Why:
    """Why a segment was picked.

    Attributes:
        pick: A word of `Reason`.
        reason: A sentence, in English and Korean.
        draw: See `tasks.numerics.queue.Pick`.
    """

    pick: str
    reason: Text
    draw: float


def why(pick: Pick, said: Sequence[Said], second: Said | None, language: str) -> Why:
    """Say why.

    Args:
        pick: What was picked.
        said: What each configuration says of it, the main one first; without those that do not know it.
        second: What the main configuration says with the second highest probability.
        language: Of the segment.
    """
    return Why(str(pick.reason), _sentence(pick, said, second, language), round(pick.draw, 12))


def _sentence(pick: Pick, said: Sequence[Said], second: Said | None, language: str) -> Text:
    if pick.reason is Reason.DISAGREEMENT and len(said) > 1:
        return _disagreement(said)
    if pick.reason is Reason.UNCERTAINTY and said and second is not None:
        return Text(
            f"The model wavers between {_named(said[0]).en} and {_named(second).en}.",
            f"모델이 다음 둘 사이에서 망설입니다. {_named(said[0]).ko}, {_named(second).ko}.",
        )
    if pick.reason is Reason.EMOTION and said:
        return Text(
            f"The model hears {_named(said[0]).en}, of which there are few labels and picks so far ({pick.count}).",
            f"모델이 {_named(said[0]).ko}(으)로 들었습니다. 이 감정의 레이블과 선택이 아직 적습니다({pick.count}개).",
        )
    return _plain(pick, language)


def _plain(pick: Pick, language: str) -> Text:
    """The reasons that need nothing of what models say."""
    if pick.reason is Reason.LANGUAGE:
        return Text(
            f"There are few labels and picks in its language ({language}) so far ({pick.count}).",
            f"이 언어({language})는 지금까지의 레이블과 선택이 적습니다({pick.count}개).",
        )
    if pick.reason is Reason.SOURCE:
        return Text(
            f"There are few labels and picks from its medium so far ({pick.count}).",
            f"이 미디어는 지금까지의 레이블과 선택이 적습니다({pick.count}개).",
        )
    return Text(
        "Drawn at random, whatever the models say: such picks can measure accuracy without bias.",
        "모델의 판단과 상관없이 무작위로 뽑았습니다. 이런 구간으로는 정확도를 치우침 없이 잴 수 있습니다.",
    )


def _disagreement(said: Sequence[Said]) -> Text:
    alike = len({each.emotion for each in said}) == 1
    told = [_named(each) for each in said]
    english = ", ".join(f"{each.configuration} hears {name.en}" for each, name in zip(said, told, strict=True))
    korean = ", ".join(f"{each.configuration}: {name.ko}" for each, name in zip(said, told, strict=True))
    if alike:
        return Text(
            f"The models differ in how sure they are: {english}.", f"모델마다 확신의 정도가 다릅니다. {korean}."
        )
    return Text(f"The models differ: {english}.", f"모델의 판단이 서로 다릅니다. {korean}.")


def _named(said: Said) -> Text:
    emotion = words(f"emotion_{TAXONOMY[said.emotion]}")
    return Text(f"{emotion.en} ({said.probability:.2f})", f"{emotion.ko}({said.probability:.2f})")
