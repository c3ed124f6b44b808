"""transformers' head for DistilBERT: `pre_classifier`, relu, `classifier` on [CLS]."""

from actors.checkpoints.text import TextFamily, TextModule

FAMILY = TextFamily(
    "distilbert",
    prefix="distilbert.",
    modules=(
        TextModule("distilbert", "distilbert.{}_distilbert", ("DistilBertModel", "DistilBertConfig"), pools=False),
    ),
    dense="pre_classifier",
    output="classifier",
    activation="relu",
)
