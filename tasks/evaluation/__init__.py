"""Evaluation: candidates on labelled segments, and only what the set can bear said of them.

request.py   what is asked          candidates.py  who answers: models, whole configurations, recorded scores
hear.py      their logits, by Ray   cache.py       what was heard before
assess.py    answers to figures     result.py      the record, as stored and printed
archive.py   where evaluations lie, and what they say together
"""
