"""What every stage shares: named seeds, atomic files, clear errors."""
