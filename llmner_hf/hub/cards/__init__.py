"""Cards for the Hub, from templates and results, never by hand.

In: what a build or a run left (reports, ``run.json``, settings, gold and predicted test files) and
the templates of ``model_cards``. Out: the text of a ``README.md`` whose front matter the Hub's own
client has written. What a run did not record is said to be not recorded. No path of the machine
that made it stands in a card.
"""

from llmner_hf.hub.cards.models import model_card
from llmner_hf.rendering.cards import cell, filled

__all__ = ["cell", "filled", "model_card"]
