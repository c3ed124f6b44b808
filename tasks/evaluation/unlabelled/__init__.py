"""What can be said of a scored corpus without any label: warning lights and figures, never accuracy.

scored.py     what is surveyed, and what it is compared with    survey.py     the whole, in order
fold.py       tables to counts, one shard at a time             record.py     the record, as stored and printed
figures.py    counts to figures                                 shifts.py     drift against the reference
together.py   where configurations agree, and where they do not lights.py     the warning lights
"""

from tasks.evaluation.unlabelled.record import Survey
from tasks.evaluation.unlabelled.scored import Reference, Scored, reference_of, scored_corpus
from tasks.evaluation.unlabelled.survey import survey

__all__ = ["Reference", "Scored", "Survey", "reference_of", "scored_corpus", "survey"]
