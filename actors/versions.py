"""Versions of what turns a medium into segments, languages and texts: part of a run's fingerprint, or its texts' hash.

Raise one whenever the same bytes, options and weights would give another answer: everything is scored again then, or
all texts are found again.
"""

DECODING = 1
"""actors/decode.py: the same bytes would give another signal."""

SEGMENTING = 1
"""actors/segment.py, actors/speech.py: the same signal would give other spans."""

LANGUAGE = 1
"""actors/language.py: the same signal and spans would give another language."""

SUBTITLES = 1
"""actors/transcripts.py, actors/text_sources.py: the same files would give other texts."""

TRANSCRIBING = 1
"""actors/transcribe.py: the same signal would give another text."""
