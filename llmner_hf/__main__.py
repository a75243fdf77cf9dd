"""``python -m llmner_hf`` is ``llmner``."""

import sys

from llmner_hf.cli import main

sys.exit(main())
