"""Real documents: sources, splits, tokenizer, nested training subsets."""
