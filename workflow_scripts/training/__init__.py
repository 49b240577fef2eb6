"""Students: a Llama-style decoder and its recipe, small and readable."""
