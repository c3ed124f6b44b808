"""Versions of what turns a medium into segments and languages. They are part of every run's fingerprint.

Raise one whenever the same bytes, options and weights would give another answer: everything is scored again then.
"""

DECODING = 1
"""actors/decode.py: the same bytes would give another signal."""

SEGMENTING = 1
"""actors/segment.py, actors/speech.py: the same signal would give other spans."""

LANGUAGE = 1
"""actors/language.py: the same signal and spans would give another language."""
