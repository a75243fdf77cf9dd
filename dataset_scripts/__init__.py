"""One module a corpus: its source, its licence, an example of its format, its builder.

Each holds a class ``Builder`` and runs as ``python -m llmner_hf.dataset_scripts.genia --source DIR
--out DIR``, which is ``llmner build genia``. The examples are made up: the corpora's terms differ,
and none of their sentences stands here.
"""
