"""transformers' head for BERT: the pooler (dense, tanh) on [CLS], then `classifier`."""

from actors.checkpoints.text import TextFamily, TextModule

FAMILY = TextFamily(
    "bert",
    prefix="bert.",
    modules=(TextModule("bert", "bert.{}_bert", ("BertModel", "BertConfig")),),
    dense="bert.pooler.dense",
    output="classifier",
    activation="tanh",
)
