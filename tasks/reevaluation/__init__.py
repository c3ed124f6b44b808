"""Re-evaluation: the current configuration and its rivals on all labels there are, and what to do about it.

request.py   what is asked             open.py      what is to be done, and whether it was done before
compare.py   against the current configuration, and against the last time      recommend.py  what to do
run.py       from an evaluation and a tuning to the stored report              result.py     the record
archive.py   where re-evaluations lie
"""
