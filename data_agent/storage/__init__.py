"""What is kept and how: PostgreSQL and Redis, and nothing about venues."""
