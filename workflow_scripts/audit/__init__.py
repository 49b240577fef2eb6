"""What was run, what it cost, how it hangs together."""
