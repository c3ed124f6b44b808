"""`seraph bench`: how fast a run is beside others, and how it grows.

    place.py     services, and a folder and bucket to work in    prepare.py   media and models, generated
    sides.py     a side in a process of its own                  loop.py      our model alone: one by one, or fed
    road.py      from memory, and from the store                 stubs.py     workers that do nothing

Each subject has a file: measure.py (the pool against a plain loop: `ratio`, `ratio_road`), against_pipeline.py,
batches.py, ray_data.py, nodes.py, growth.py, planning.py. What they find stands in result.py, findings.py and
batch_findings.py; page.py draws it. Sides take turns, the best of each counts.
"""
