"""What a run costs at a price. What it took is counted where the workers are (actors/crew.py)."""

from tasks.config.operations import Price
from tasks.records.parts import Cost, Spent


def cost(spent: Spent, audio_seconds: float, price: Price) -> Cost:
    """The cost of GPUs and CPUs held, in all and for 1,000 hours of scored speech.

    Args:
        spent: Seconds held.
        audio_seconds: Scored speech.
        price: Of an hour of each.
    """
    total = (spent.gpu_seconds * price.gpu_hour + spent.cpu_seconds * price.cpu_hour) / 3600
    return Cost(
        **price.model_dump(),
        total=total,
        per_1000_audio_hours=total / (audio_seconds / 3600) * 1000 if audio_seconds > 0 else None,
    )
