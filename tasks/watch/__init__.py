"""New labels: what label files in a store say, what of it is new, and when it is worth telling.

snapshot.py  what was said about which segment, and what changed    reading.py  label files in a store → a snapshot
archive.py   where snapshots lie, and what was told                 look.py     one look: new, settling, too few …
"""
