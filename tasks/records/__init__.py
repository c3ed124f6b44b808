"""Records: the words in which a run is stored as JSON. Everything above names them; they name nothing of it.

parts.py  the frozen base of all records, and what a run held, took and raised      run.py  the run record itself

Drawing one up, reading them back and comparing two is tasks/runs' part.
"""
