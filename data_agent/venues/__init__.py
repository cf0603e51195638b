"""All that is known of each venue: facts, row parsers, page logic."""
