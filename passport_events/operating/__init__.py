"""What people and probes do: one door for the admin and for commands."""
