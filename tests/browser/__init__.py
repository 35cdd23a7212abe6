"""The pages as a person sees them: a real browser, real rows, a strict Content-Security-Policy. `make browser` runs it."""
