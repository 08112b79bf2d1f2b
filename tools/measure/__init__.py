"""What is measured, drawn or trained now and then, by hand; no build of the book needs it."""
