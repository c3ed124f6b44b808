"""ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition: mean, `classifier.dense`, `classifier.output`.

No activation is taken to lie between the two: published measurements on RAVDESS cannot tell (none 0.925, tanh 0.923,
relu 0.921), and none equals transformers' own head under other key names.
"""

from actors.checkpoints.pooled import PooledFamily

FAMILY = PooledFamily("ehcalabres", dense="classifier.dense", output="classifier.output")
