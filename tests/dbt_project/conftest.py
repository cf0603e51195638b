from tests.expectations.fixtures import warehouse

__all__ = ["warehouse"]
