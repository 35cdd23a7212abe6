"""What the tests run on: servers, the environment that names them, and hosts in processes of their own."""
