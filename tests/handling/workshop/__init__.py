"""An app of a host project, for workers in processes of their own."""
