"""The text branch of a run: texts of committed segments, and what text models answer about them.

stage.py   which shards have no texts yet, and reading them     tables.py  the `texts` table
labels.py  the texts of a label file

Finding and reading texts on Ray is the actors' part; fusing text and audio, tasks/numerics/decision.py's; the `text`
section of a configuration, tasks/config/text.py's.
"""
