"""Methods of writing synthetic text: a module each, with one function `write`. How to add one: README.md beside it."""
