"""transformers' head for ELECTRA (KoELECTRA, KcELECTRA): `classifier.dense`, gelu, `classifier.out_proj` on [CLS]."""

from actors.checkpoints.text import TextFamily, TextModule

FAMILY = TextFamily(
    "electra",
    prefix="electra.",
    modules=(TextModule("electra", "electra.{}_electra", ("ElectraModel", "ElectraConfig"), pools=False),),
    dense="classifier.dense",
    output="classifier.out_proj",
    activation="gelu",
)
