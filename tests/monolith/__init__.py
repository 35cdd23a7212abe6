"""An awkward host project: everything that a monolith may do differently from the demo."""
