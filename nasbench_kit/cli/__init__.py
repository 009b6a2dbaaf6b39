"""The command ``nasbench-kit``: one thin file a subcommand."""
