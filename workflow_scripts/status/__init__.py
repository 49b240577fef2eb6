"""How far a scale is, read from what jobs leave behind; nothing here changes anything."""
