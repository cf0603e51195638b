"""Known ways to be wrong, each as a pytest plugin that changes the product; `test_mutants` sees a test turn red."""
