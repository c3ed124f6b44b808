"""The actors, as plain classes: what one process reads, hears or scores. Ray is put around them in actors/pool.py.

    reader.py     fetches, decodes and cuts media       listener.py   tells the language
    scorer.py     holds emotion models, scores batches  worker.py     what all of them can say of themselves

Constructors are cheap; `ready` loads what a worker always needs, so that its errors reach the pool as themselves. Heavy
libraries are imported when first needed: a worker process pays only for what it uses.
"""

from actors.workers.listener import LanguageWorker
from actors.workers.reader import Reader
from actors.workers.scorer import Piece, Scored, Scorer, pieces_of
from actors.workers.worker import Worker

__all__ = ["LanguageWorker", "Piece", "Reader", "Scored", "Scorer", "Worker", "pieces_of"]
