"""The store: migrations, writer, ledger, layout."""
