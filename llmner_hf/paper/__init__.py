"""The paper's tables and figures from runs, beside the paper's own numbers; a module a table."""
