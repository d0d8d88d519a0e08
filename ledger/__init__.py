"""The verifiable ledger: formats, tree, maps and log. It knows nothing of farms and coins."""
