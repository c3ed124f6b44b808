"""transformers' head for RoBERTa, XLM-RoBERTa and CamemBERT: `classifier.dense`, tanh, `classifier.out_proj` on <s>."""

from actors.checkpoints.text import TextFamily, TextModule

FAMILY = TextFamily(
    "roberta",
    prefix="roberta.",
    modules=(
        TextModule("roberta", "roberta.{}_roberta", ("RobertaModel", "RobertaConfig")),
        TextModule("xlm-roberta", "xlm_roberta.{}_xlm_roberta", ("XLMRobertaModel", "XLMRobertaConfig")),
        TextModule("camembert", "camembert.{}_camembert", ("CamembertModel", "CamembertConfig")),
    ),
    dense="classifier.dense",
    output="classifier.out_proj",
    activation="tanh",
    counts_from_padding=True,
)
