"""The tools of those who label: what to label next, segments out to Label Studio and back, plain files as well.

segment.py        a segment that may be labelled        reasons.py    why, in a sentence (English, Korean)
queue.py          a scored corpus → what to label next  done.py       what is labelled already
sources.py        label files by path, URI or prefix    lines.py      JSON lines and CSV
label_studio.py   tasks and interface of Label Studio   writing.py    a file of any of these
importing.py      annotations → a file of labels in the store
"""
