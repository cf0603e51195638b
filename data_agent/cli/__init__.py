"""The `data-agent` command: starts processes and shows what they know; owns no logic."""
