"""`seraph bench`: how much of a model's own speed is left once everything around it is added.

    prepare.py   media and models, generated        loop.py      what the pool is measured against
    road.py      the two roads that are timed        measure.py   turns, figures, the stored result

Two figures: `ratio`, a plain loop over the segments against the same segments from memory to committed rows; and
`ratio_road`, against the whole road from media in the store. Sides take turns, the best of each counts.
"""
