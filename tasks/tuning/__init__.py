"""Tuning: decision parameters searched on labels, and what the search is really worth.

request.py    what is asked            evidence.py  recorded scores, or a stored evaluation, as evidence
grids.py      which values are tried   run.py       the search, its nested validation, the record
result.py     the record, as stored and printed     archive.py   where tunings lie
"""
